/** The shipped configuration with its examples switched on, and files made from it that are wrong. */

import { createDenoConfigFiles } from "../../cascade/mod.ts";
import { spoiledText } from "./_bodies.ts";
import type { Dice } from "./_fuzz.ts";

const FOLDER = new URL("../../conf", import.meta.url).pathname;

/** A key or an indented line that was commented out as an example. */
const EXAMPLE =
  /^# ?(?=(?:com|io)\.[\w.:-]+=|(?: {4})*["*\w][\w:*."-]*:(?: |$)|(?: {2,4})+["*\w-])/gm;

const VALUES = [
  "",
  "-1",
  "0",
  "1e309",
  "true",
  "nein",
  "9".repeat(40),
  "${x}",
  "\u0000",
  "🔔",
  "a,b",
  "*",
]
  .concat(
    "[",
    "{",
    "{a: b}",
    "[1, 2]",
    "&a *a",
    "!!binary x",
    "|",
    '"',
    "'",
    "<<",
    "!(a & ",
    "premium |",
  )
  .concat(
    "{data.__proto__}",
    "{sender|",
    "{{",
    "\\u00zz",
    "\\",
    "http://127.0.0.1",
    "../x",
    "=",
    "#",
  );
const LINES = [
  "=1",
  "com.openexchange.pns.delayDuration=soon",
  "\\",
  "key",
  "io.carillon.nope=1",
  "\t- x",
]
  .concat(
    "a: &a [*a, *a]",
    "__proto__: {x: 1}",
    "constructor: {enabled: true}",
    "? [x]: y",
    "---",
    "...",
  )
  .concat(
    "%YAML 9.9",
    "a: *nowhere",
    "<<: {enabled: true}",
    "a: {a: 1, a: 2}",
    ": :",
    "- ",
    "\u0085",
    "@",
  )
  .concat(
    `x: ${"[".repeat(3000)}`,
    `${"a: {".repeat(2000)}`,
    `# ${"x".repeat(20_000)}`,
    "!!js/regexp /x/: 1",
  );

/** Every shipped file by its path, with examples that count. */
export async function shippedTexts(): Promise<ReadonlyMap<string, string>> {
  const files = createDenoConfigFiles(FOLDER);
  const texts = new Map<string, string>();
  for (const path of await files.list()) {
    const text = (await files.read(path)).replaceAll(EXAMPLE, "");
    texts.set(path, text.replaceAll("enabled: false", "enabled: true"));
  }
  return texts;
}

/** A text with one to three of its lines changed. */
export function spoiledConfig(text: string, dice: Dice): string {
  if (dice.chance(0.1)) return spoiledText(text, dice);
  const lines = text.split("\n");
  for (let n = 1 + dice.below(3); n > 0; n--) {
    const at = dice.below(lines.length);
    const line = lines[at]!;
    switch (dice.below(7)) {
      case 0:
        lines.splice(at, 1);
        break;
      case 1:
        lines.splice(at, 0, dice.pick(LINES));
        break;
      case 2:
        lines.splice(at, 0, dice.pick(lines));
        break;
      case 3:
        lines[at] = dice.pick([" ", "  ", "\t", "", "-"]) + line.trimStart();
        break;
      case 4:
        lines[at] = spoiledText(line, dice).slice(0, 20_000);
        break;
      default:
        lines[at] = line.replace(/([:=]\s*).*$/, (_, sign) => sign + dice.pick(VALUES));
    }
  }
  return lines.join(dice.chance(0.9) ? "\n" : dice.pick(["\r\n", "\r"]));
}
