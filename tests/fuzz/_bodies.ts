/** JSON bodies made wrong: in their values, as texts, and as bytes. */

import type { Dice } from "./_fuzz.ts";

/** Texts that are put where a value stood; not all are JSON. */
const ODD_TEXTS = [
  ...["null", "true", "0", "-0", "1", "-1", "1.5", "1e400", "-1e400", "1e-400", "2147483648"],
  ...["9007199254740993", "12345678901234567890123", "1" + "0".repeat(400), "NaN", "01", "0x1"],
  ...[
    '""',
    '" "',
    '"\\u0000"',
    '"\\ud800"',
    '"\\udfff\\ud800"',
    '"\u007f"',
    '"\u0000"',
    '"\\u202e"',
  ],
  ...['"__proto__"', '"constructor"', '"../../etc/passwd"', '"a\\r\\nb: c"', '"\\ufeff"', '"💣"'],
  ...['"-271821-04-20T00:00:00Z"', '"275760-09-13T00:00:00.001Z"', '"9999-12-31T23:59:59Z"'],
  ...['"*"', '":"', '"*:*"', '"a:*:b"', `"${"x".repeat(5000)}"`, `"${"🔔".repeat(300)}"`],
  ...["[]", "{}", "[[]]", "[null]", '{"":{}}', '{"__proto__":{"admin":true}}', "[1,", "{,}"],
  ...['{"constructor":{"prototype":{"x":1}}}', '{"length":1e9}', '{"toString":1,"valueOf":2}'],
  ...['{"endpoint":"http://127.0.0.1/","keys":{"p256dh":"AA","auth":"AA"}}'],
  ...['{"endpoint":"https://a.push.example/","keys":{"__proto__":null}}'],
  ...[nested(40), nested(100), nested(20_000), `${'{"a":'.repeat(5000)}1${"}".repeat(5000)}`],
  `[${"0,".repeat(20_000)}0]`,
] as const;

const ODD_NAMES = ["__proto__", "constructor", "hasOwnProperty", "", "a".repeat(3000), "\u0000"]
  .concat("\ud800", "Context", "contex", "id", "toJSON", "then", "length", "notifications");

const encoder = new TextEncoder();
/** What stands for an odd text until the value has become one. */
const MARK = "\u2063odd";

/** The bytes of a body after up to three changes. */
export function spoiledBody(body: unknown, dice: Dice): Uint8Array<ArrayBuffer> {
  let value = structuredClone(body);
  for (let n = dice.below(3); n > 0; n--) value = spoiledValue(value, dice);
  let text = JSON.stringify(value) ?? "";
  text = text.replace(new RegExp(`"${MARK}(\\d+)"`, "g"), (_, at) => ODD_TEXTS[at]!);
  if (dice.chance(0.15)) text = spoiledText(text, dice);
  const bytes = encoder.encode(text);
  return dice.chance(0.08) ? spoiledBytes(bytes, dice) : bytes;
}

/** A text with something cut, doubled, or put in. */
export function spoiledText(text: string, dice: Dice): string {
  const at = dice.below(text.length + 1);
  switch (dice.below(6)) {
    case 0:
      return text.slice(0, at);
    case 1:
      return text.slice(0, at) + dice.pick([...'{}[],:"\\ \u0000\u001f', "\ufeff"]) +
        text.slice(at);
    case 2:
      return text.slice(0, at) + text.slice(at + 1 + dice.below(5));
    case 3: // every name twice
      return text.replace(/("[^"\\]+"):/, "$1:null,$1:");
    case 4:
      return text + dice.pick([text, " ", "\n\n", "x", ",", "]}"]);
    default:
      return dice.pick(ODD_TEXTS);
  }
}

/** Bytes with one replaced, often so that they are no UTF-8, cut, or in another encoding. */
export function spoiledBytes(
  bytes: Uint8Array<ArrayBuffer>,
  dice: Dice,
): Uint8Array<ArrayBuffer> {
  if (dice.chance(0.2)) return bytes.slice(0, dice.below(bytes.length + 1));
  if (dice.chance(0.1)) return new Uint8Array(new Uint16Array([...bytes]).buffer);
  const made = bytes.slice();
  for (let n = 1 + dice.below(3); n > 0 && made.length > 0; n--) {
    made[dice.below(made.length)] = dice.pick([0, 0xff, 0xc0, 0xed, 0x80, dice.below(256)]);
  }
  return made;
}

/** A value with one of its parts replaced, removed, or added. */
function spoiledValue(value: unknown, dice: Dice): unknown {
  const isInner = typeof value === "object" && value !== null;
  const names = isInner ? Object.keys(value) : [];
  if (!isInner || names.length === 0 || dice.chance(0.1)) return odd(dice);
  const made = (Array.isArray(value) ? [...value] : { ...value }) as Record<string, unknown>;
  const name = dice.pick(names);
  switch (dice.below(6)) {
    case 0:
      delete made[name];
      break;
    case 1:
      define(made, dice.pick(ODD_NAMES), odd(dice));
      break;
    case 2:
      define(made, dice.pick(names), made[dice.pick(names)]);
      break;
    default:
      made[name] = dice.chance(0.5) ? odd(dice) : spoiledValue(made[name], dice);
  }
  return made;
}

function odd(dice: Dice): string {
  return `${MARK}${dice.below(ODD_TEXTS.length)}`;
}

function define(made: object, name: string, value: unknown): void {
  if (Array.isArray(made)) return void made.push(value);
  Object.defineProperty(made, name, { value, enumerable: true, configurable: true });
}

function nested(depth: number): string {
  return "[".repeat(depth) + "]".repeat(depth);
}
