// What leaves a page, for an event with its mode and its site's config on each line of the input: without the core, with
// it, and whether the page would ask for it. Where the core would decide, the text stands as it was, between marks.
import { createInterface } from "node:readline";
import { pathToFileURL } from "node:url";

// Whose page it is: addresses of its own host are looked at by their path.
globalThis.location = { host: "example.com" };
globalThis.document = { URL: "https://example.com/" };
const { isDoubtful, redact } = await import(pathToFileURL(process.argv[2]));
const core = { cut: (text, written) => (written ? "\u0002" : "\u0001") + text + "\u0003" };
let out = "";
for await (const line of createInterface({ input: process.stdin })) {
  const read = () => JSON.parse(line);
  const [raw, judged] = [undefined, core].map((core) => {
    const { event, full, config } = read();
    redact(event, full, config, core);
    return event;
  });
  out += JSON.stringify({ raw, judged, doubtful: !!isDoubtful(read().event) }) + "\n";
}
process.stdout.write(out);
