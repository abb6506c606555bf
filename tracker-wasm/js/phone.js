// What looks like a telephone number, where there is no core: as wire/src/redact/phone.rs has it, of which these are the
// bytes. A text is one of UTF-8's bytes here, a letter each.

const GAP = "[ ().-]|\xc2\xa0|\xe2\x80[\x89-\x93\xaf]";
// At most sixteen groups of digits. In an address a plus is a blank, too.
const run = (gap) => new RegExp(`\\d+(?:(?:${gap}){1,3}\\d+){0,15}`, "g");
const masked = (bytes) =>
  bytes.replace(/(^|[^a-z\d])[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12}(?![\da-f])/gi, (uuid, prior) => prior + "x".repeat(36));
const isMoney = (after) => new RegExp(`^(${GAP})?(\\$|\xe2\x82\xac|EUR)`).test(after);
let runs;

// Where the number in a run of groups starts, if there is one.
const judge = (bytes, start, found, written) => {
  const is = (at, expression) => expression.test(bytes[at] || "");
  const end = start + found.length;
  const before = bytes.slice(0, start);
  let groups = [...found.matchAll(/\d+/g)].map(({ 0: digits, index }) => [start + index, digits]);
  let opened = start - is(start - 1, /\(/);
  const plus = is(opened - 1, /\+/) && (written || !is(opened - 2, /\w/));
  if (plus) opened -= 1 + is(opened - 2, /\(/);
  else {
    // Years and dates in front.
    const short = (n) => groups[n]?.[1].length < 3;
    const year = (n) => /^(19|20)..$/.test(groups[n]?.[1]);
    let n = 0;
    for (;;)
      if (year(n)) {
        n++;
        n += short(n);
        n += short(n);
      } else if (short(n) && short(n + 1) && year(n + 2)) n += 3;
      else break;
    groups = groups.slice(n);
    if (!groups[0]) return;
  }
  const [first, head] = groups[0];
  const count = groups.length;
  const lengths = groups.map((group) => group[1].length);
  const digits = lengths.reduce((sum, length) => sum + length);
  const longest = Math.max(...lengths);
  const untouched = !/\w$/.test(before) && !is(end, /\w/);
  const isNumber =
    digits > 8 &&
    (plus || /(tel|ono|one|vil)[\W_]?$/i.test(before)
      ? count > 1 || digits < 16
      : /[$\xac] ?$/.test(before) || isMoney(bytes.slice(end, end + 9)) || lengths.slice(1).includes(1)
        ? false
        : count < 2
          ? written && untouched && (digits < 13 || (/^00/.test(head) && digits < 18))
          : longest < 3
            ? count == 5 && head[0] == 0
            : written
              ? count > 2 || bytes[first + head.length] != "."
              : count > 2 && longest < 5 && untouched);
  return isNumber ? (first == start ? opened : first) : undefined;
};

/** Where telephone numbers start and end in the bytes of a text, `written` for people or a part of an address. */
export const phones = (bytes, written) => {
  runs = runs || [run(GAP + "|\\+"), run(GAP)];
  return [...masked(bytes).matchAll(runs[+!!written])]
    .map(({ 0: found, index }) => [judge(bytes, index, found, written), index + found.length])
    .filter(([start]) => start >= 0);
};
