// The root layout, with the tag as docs/recipes.md has it; the test puts the collector's address in its place.
import Script from "next/script";

export default function Layout({ children }) {
  return (
    <html lang="es">
      <body>
        {children}
        <Script src="https://t.example.com/t/acme.js" strategy="afterInteractive" />
      </body>
    </html>
  );
}
