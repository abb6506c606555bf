import assert from "node:assert/strict";
import { test } from "node:test";
import { emailsList, fate } from "../js/emails.js";
import { translator } from "../js/i18n.js";

const es = translator("es");
const en = translator("en");

test("of each message the last that is known is said", () => {
  const cases = [
    [{ sent_at: 1, opened: false }, "sin abrir", "not opened"],
    [{ sent_at: 1, opened: false, bounced_at: 2 }, "devuelto", "bounced"],
    [{ sent_at: 1, opened: true, opened_at: 2 }, "abierto", "opened"],
    [{ sent_at: 1, opened: true, clicked_at: 3, clicked: ["oferta", "precios"] }, "pulsó oferta, precios", "clicked oferta, precios"],
    [{ opened: true, clicked_at: 3, clicked: [] }, "pulsó en él", "clicked in it"],
    [{ opened: false }, "", ""],
  ];
  for (const [email, spanish, english] of cases) {
    assert.equal(fate(email, es), spanish);
    assert.equal(fate(email, en), english);
  }
});

test("no messages, no list", () => {
  assert.equal(emailsList([], es), null);
  assert.equal(emailsList(undefined, es), null);
});
