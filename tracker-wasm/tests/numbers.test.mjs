// How printed numbers are found in what pages say, and how what is shown in their place is written.
import assert from "node:assert/strict";
import { test } from "node:test";
import { writer } from "../../www/numbers.mjs";

const PRINTED = "+34 900111000";
const shown = (numbers) => (number) => numbers[number];
const POOL = shown({ "+34900111000": "+34911222333" });

const texts = (printed, numbers, table) => {
  const { text } = writer(printed);
  for (const [was, now] of Object.entries(table)) assert.equal(text(was, numbers), now, was);
};

test("a number is found however it is written, and the other is written so too", () => {
  texts([PRINTED], POOL, {
    "900111000": "911222333",
    "900 111 000": "911 222 333",
    "900 11 10 00": "911 22 23 33",
    "900-111-000": "911-222-333",
    "900.111.000": "911.222.333",
    "900\u00a0111\u202f000": "911\u00a0222\u202f333",
    "900 – 111 – 000": "911 – 222 – 333",
    "(900) 111 000": "(911) 222 333",
    "900/111.000": "911/222.333",
    "+34 900 111 000": "+34 911 222 333",
    "+34900111000": "+34911222333",
    "(+34) 900 111 000": "(+34) 911 222 333",
    "+34 (900) 111-000": "+34 (911) 222-333",
    "0034 900 111 000": "0034 911 222 333",
    "34 900 111 000": "34 911 222 333",
    "Llama gratis al 900 111 000, de 9 a 21 h.": "Llama gratis al 911 222 333, de 9 a 21 h.",
    "Tel.900111000 24 horas": "Tel.911222333 24 horas",
    "900 111 000 / 900 111 000": "911 222 333 / 911 222 333",
    "900111000/600000000": "911222333/600000000",
    "¿Dudas? 900 111 000.": "¿Dudas? 911 222 333.",
  });
});

test("what is no printed number stays as it is", () => {
  const stays = [
    "",
    "Llámanos",
    "900 111 001",
    "1900111000",
    "9001110001",
    "+1 900 111 000",
    "+44 (900) 111 000",
    "0044 900 111 000",
    "1.900.111.000 €",
    "900.111.000.000 €",
    "900111000,50",
    "ref. 12-900-111-000",
    "900-111-000-1",
    "900      111000",
    "novecientos 111 000",
  ];
  texts([PRINTED], POOL, Object.fromEntries(stays.map((text) => [text, text])));
  // One that nothing is to be shown for.
  texts([PRINTED], shown({}), { "900 111 000": "900 111 000" });
});

test("a trunk prefix stays where it was", () => {
  texts(["+44 2079460000"], shown({ "+442079460000": "+442079461234" }), {
    "020 7946 0000": "020 7946 1234",
    "(020) 7946 0000": "(020) 7946 1234",
    "+44 (0)20 7946 0000": "+44 (0)20 7946 1234",
    "+44 20 7946 0000": "+44 20 7946 1234",
  });
  texts(["+1 8005550100"], shown({ "+18005550100": "+18005550199" }), {
    "1-800-555-0100": "1-800-555-0199",
    "(800) 555-0100": "(800) 555-0199",
    "+1 (800) 555-0100": "+1 (800) 555-0199",
  });
});

test("a number of another length, or of another country, is written in threes", () => {
  texts([PRINTED], shown({ "+34900111000": "+3491122233" }), {
    "900 11 10 00": "911 222 33",
    "900111000": "91122233",
    "(900) 111 000": "(911 222 33)",
    "+34 900-111-000": "+34 911-222-33",
    "(+34) 900 111 000": "(+34) 911 222 33",
  });
  texts([PRINTED], shown({ "+34900111000": "+351211222333" }), {
    "900 111 000": "+351 211 222 333",
    "+34 900 111 000": "+351 211 222 333",
    "(+34) 900 111 000": "(+351 211 222 333)",
  });
});

test("of several printed numbers each gives way to its own", () => {
  const numbers = shown({ "+34900111000": "+34911222333", "+3411000": "+3422000", "+34900111001": "+34911222334" });
  texts(["+34 11000", PRINTED, "+34 900111001"], numbers, {
    "900 111 000 o 900 111 001": "911 222 333 o 911 222 334",
    "11 000": "22 000",
  });
});

test("links dial the other number", () => {
  const { link } = writer([PRINTED]);
  const table = {
    "tel:+34900111000": "tel:+34911222333",
    "tel:900111000": "tel:+34911222333",
    "TEL:900 111 000": "TEL:+34911222333",
    " tel:%2B34%20900-111-000": " tel:+34911222333",
    "tel://0034900111000": "tel://+34911222333",
    "callto:+34(900)111000": "callto:+34911222333",
    "tel:+34900111000;ext=12": "tel:+34911222333;ext=12",
    "tel:900111001": "tel:900111001",
    "tel:+1900111000": "tel:+1900111000",
    "tel:": "tel:",
    "https://wa.me/34900111000": "https://wa.me/34900111000",
    "sms:+34900111000": "sms:+34900111000",
    "/900111000": "/900111000",
  };
  for (const [was, now] of Object.entries(table)) assert.equal(link(was, POOL), now, was);
});

test("a long text without digits, or full of them, costs next to nothing", () => {
  const { text } = writer([PRINTED]);
  for (const piece of ["lorem ipsum dolor ", "9 0 0 1 1 1 0 0 ", "900 111 00 ", "34 34 34 0034 "]) {
    const long = piece.repeat(20_000);
    const began = performance.now();
    assert.equal(text(long, POOL), long);
    assert.ok(performance.now() - began < 1000, piece);
  }
});
