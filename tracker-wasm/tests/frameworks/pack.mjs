// Packs one of the pages here with its framework, as a site's build does: `node pack.mjs react.jsx` prints the script.
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const { outputFiles } = await build({
  entryPoints: [fileURLToPath(new URL(process.argv[2], import.meta.url))],
  bundle: true,
  minify: true,
  format: "iife",
  jsx: "automatic",
  define: { "process.env.NODE_ENV": '"production"', __VUE_OPTIONS_API__: "false", __VUE_PROD_DEVTOOLS__: "false", __VUE_PROD_HYDRATION_MISMATCH_DETAILS__: "false" },
  write: false,
});
// Within a page's script nothing may look like the end of one.
process.stdout.write(outputFiles[0].text.replaceAll("</", "<\\/"));
