import assert from "node:assert/strict";
import fc from "fast-check";
import { JsonScanner, MAX_DEPTH, withoutSpace } from "../../core/json_scanner.ts";
import {
  edited,
  edits,
  jsonText,
  ODD_CHARACTERS,
  spaceText,
  stringText,
} from "../support/json_texts.ts";

/** Whether a text is one value and nothing else to the scanner. */
function accepts(text: string, bytes?: Uint8Array): boolean {
  const scanner = new JsonScanner(text, bytes);
  return scanner.skipValue() && scanner.peek() === undefined;
}

function parses(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

/** The scanner and `JSON.parse` agree, whether it has the bytes or not; whether they accept. */
function assertAgreed(text: string): boolean {
  const isJson = parses(text);
  const shown = JSON.stringify(text);
  assert.equal(accepts(text), isJson, shown);
  assert.equal(accepts(text, new TextEncoder().encode(text)), isJson, `${shown} as bytes`);
  return isJson;
}

/** Without white space, by other means than a scanner. */
function compacted(json: string): string {
  return json.replace(/("(?:[^"\\]|\\.)*")|[ \t\n\r]+/gs, (_, string) => string ?? "");
}

Deno.test("every JSON text is accepted, however it is written", () => {
  fc.assert(
    fc.property(spaceText, jsonText, spaceText, (before, text, after) => {
      assert.ok(assertAgreed(before + text + after));
    }),
    { numRuns: 1000 },
  );
});

Deno.test("a JSON text in which characters were changed is accepted where JSON.parse accepts it", () => {
  fc.assert(
    fc.property(jsonText, edits, (text, changes) => void assertAgreed(edited(text, changes))),
    { numRuns: 5000 },
  );
});

Deno.test("any text is accepted where JSON.parse accepts it", () => {
  const unit = fc.constantFrom(...'{}[],:"\\ \n01.-+eEu', "true", "null", ...ODD_CHARACTERS);
  fc.assert(fc.property(fc.string({ unit }), (text) => void assertAgreed(text)), { numRuns: 5000 });
});

/** Characters of which each may be where a value, a digit, a space or a bracket could be. */
const LOOKALIKES = [...ODD_CHARACTERS, ..."\u0000\u0001\u000b\u000c\u001f\u0085\u0130\u0131\u0660"];

const EDGE_CASES: Readonly<Record<string, readonly string[]>> = {
  "numbers": [
    ...["0", "-0", "1", "-1", "10", "0.5", "1.5", "1e5", "1E5", "1e+5", "1E-5", "0e0", "0E+0"],
    ...["1e400", "-1e400", "1e-400", "12345678901234567890", "0.10", "1.0e07"],
    ...["", "-", "+1", "01", "-01", "00", "1.", ".5", "-.5", "1.e5", "1e", "1e+", "1E-", "e5"],
    ...["1e5.5", "1.5.5", "--1", "-+1", "1-", "1+1", "0x10", "1_000", "1n", "Infinity", "NaN"],
    ...["-Infinity", "1 2", "1,2", "\u0661", "1\u0131"],
  ],
  "words": [
    ...["true", "false", "null", "True", "NULL", "tru", "truee", "nul", "nulll", "undefined"],
    ...["t", "f", "n", "truefalse", "true false", "[truenull]", "[nul]", "[null0]", "-true"],
  ],
  "strings": [
    ...['""', '"', '"a', 'a"', "'a'", '"a""b"', '"a"b', '"\u007f"', '"\u0080"', '"\u2028\u2029"'],
    ...['"\u0000"', '"\u001f"', '"\t"', '"\n"', '"a\u0001b"', '"\u0122"', '"\u0122', '"\u015c"'],
    ...['"\ud800"', '"\udc00"', '"\udc00\ud800"', '"\ud83d\udd14"', '"\ufeff"', '"\uffff"'],
  ],
  "escapes": [
    ...['"\\""', '"\\\\"', '"\\/"', '"\\b\\f\\n\\r\\t"', '"\\u0022"', '"\\u005c"', '"\\uABcd"'],
    ...['"\\ud800"', '"\\udc00"', '"\\ud83d\\udd14"', '"\\udd14\\ud83d"', '"\\u0000"'],
    ...['"\\"', '"\\', '"\\\\\\"', '"\\a"', '"\\U0041"', '"\\x41"', '"\\\'"', '"\\0"', '"\\u"'],
    ...['"\\u004"', '"\\u00"', '"\\u004', '"\\u00g0"', '"\\u 041"', '"\\u{41}"', '"\\\n"', "\\n"],
    ...['"\\u+041"', '"\\u-041"', '"\\u0x41"', '"\\\u0122"', '"\\u00\u0131\u0131"'],
  ],
  "lists": [
    ...["[]", "[ ]", "[1]", "[1,2]", "[[],[]]", "[[1],{}]", " [ 1 , 2 ] ", "[\n]"],
    ...["[", "]", "[1", "[1,", "[1,]", "[,]", "[,1]", "[1,,2]", "[1 2]", "[1:2]", "[}", "[1}"],
    ...["[]]", "[][]", "[],", ",[]", "[[]", '["a":1]', "[1]1", "[1]/**/", "[1]//", "(1)"],
  ],
  "objects": [
    ...["{}", "{ }", '{"a":1}', '{"a":1,"b":2}', '{"a":1,"a":2}', '{"":0}', ' { "a" : { } } '],
    ...['{"__proto__":1}', '{"\\u0061":1}', '{"a":[{"b":[]}]}'],
    ...["{", "}", '{"a"', '{"a":', '{"a":1', '{"a":1,', '{"a":1,}', "{,}", '{,"a":1}', '{"a"}'],
    ...['{"a",1}', '{"a":}', '{"a"::1}', '{"a":1:2}', '{"a":1 "b":2}', '{"a":1;"b":2}', "{a:1}"],
    ...["{'a':1}", "{1:1}", "{null:1}", '{"a":1]', "{]", "{}}", "{}{}", '{"a" 1}', "{{}:1}"],
    ...["{[]:1}", '{"a":1,1}', '{"a":1,,"b":2}', '{"a\n":1}', '{"a\\x":1}', '{"a":{}', '{"a":[}'],
  ],
  "white space": [
    ...[
      " 1",
      "1 ",
      "\t\n\r 1\t\n\r ",
      " ",
      "",
      "\n",
      "- 1",
      "1 .5",
      "1 e5",
      "tr ue",
      '" "',
      "1\u0000",
    ],
    ...LOOKALIKES.flatMap((odd) => [`${odd}1`, `1${odd}`, `[${odd}1]`, `[1${odd}]`, `[1,${odd}2]`]),
    ...LOOKALIKES.flatMap((odd) => [`{${odd}"a":1}`, `{"a"${odd}:1}`, `{"a":${odd}1}`, odd]),
  ],
  "quotes and brackets that are none": [
    ...LOOKALIKES.flatMap((odd) => [`"${odd}"`, `${odd}a"`, `"a${odd}`, `"\\${odd}"`, `${odd}1]`]),
    ...LOOKALIKES.flatMap((odd) => [`[1${odd}`, `{"a":1${odd}`, `${odd}"a":1}`, `{"${odd}":1}`]),
  ],
};

for (const [what, texts] of Object.entries(EDGE_CASES)) {
  Deno.test(`among ${what}, those are accepted that JSON.parse accepts`, () => {
    const accepted = texts.filter(assertAgreed);
    assert.ok(accepted.length > 0 && accepted.length < texts.length);
    for (const text of texts) {
      assertAgreed(`[${text}]`);
      assertAgreed(`{"a":${text},"b":0}`);
    }
  });
}

/** Lists or objects within each other; the innermost one is a list. */
function nested(levels: number, open = "[", close = "]"): string {
  return `${open.repeat(levels - 1)}[]${close.repeat(levels - 1)}`;
}

Deno.test("64 levels of lists and objects are accepted, and 65 are refused", () => {
  assert.equal(MAX_DEPTH, 64);
  const lists = nested(63);
  for (const text of [nested(64), nested(64, '{"a":', "}"), `[${lists},1,${lists}]`]) {
    assert.ok(accepts(text), text);
  }
  for (const text of [nested(65), nested(65, '{"a":', "}"), `[1,${lists},{"a":${lists}}]`]) {
    assert.ok(!accepts(text), text);
  }
});

Deno.test("however deep a text is nested, it is refused without a crash", () => {
  for (const text of [nested(65_535), "[".repeat(65_535), '{"a":'.repeat(65_535)]) {
    assert.ok(!accepts(text));
    assert.ok(!accepts(text, new TextEncoder().encode(text)));
  }
});

Deno.test("a value is skipped to its end and no further, whatever it stands between", () => {
  const after = fc.constantFrom("", ",", "}", "]", ":", " 1", ',"a":2}');
  fc.assert(
    fc.property(fc.string(), spaceText, jsonText, after, (before, space, text, after) => {
      const scanner = new JsonScanner(before + space + text + after);
      scanner.at = before.length;
      assert.ok(scanner.skipValue());
      assert.equal(scanner.text.slice(before.length, scanner.at).trim(), text.trim());
    }),
    { numRuns: 500 },
  );
});

Deno.test("a string is skipped to its end, and nothing else is taken for one", () => {
  fc.assert(fc.property(spaceText, stringText, fc.string(), (space, text, after) => {
    const scanner = new JsonScanner(space + text + after);
    assert.ok(scanner.skipString());
    assert.equal(scanner.at, space.length + text.length);
  }));
  for (const text of ["", "1", "null", '{"a":1}', '["a"]', '\u0122a"', '"', '"a\\"', '"\n"']) {
    assert.ok(!new JsonScanner(text).skipString(), text);
  }
});

Deno.test("whether there is white space between the tokens of a value is known", () => {
  fc.assert(
    fc.property(spaceText, jsonText, (before, text) => {
      const scanner = new JsonScanner(`${before}${text}`);
      scanner.peek();
      scanner.spaced = false;
      assert.ok(scanner.skipValue());
      assert.equal(scanner.spaced, compacted(text) !== text.trimEnd());
    }),
    { numRuns: 500 },
  );
});

Deno.test("without the white space between its tokens a text has the same value, to the letter", () => {
  fc.assert(
    fc.property(spaceText, jsonText, spaceText, (before, text, after) => {
      const compact = withoutSpace(before + text + after);
      assert.equal(compact, compacted(text));
      assert.deepEqual(JSON.parse(compact), JSON.parse(text));
    }),
    { numRuns: 1000 },
  );
  assert.equal(
    withoutSpace(
      ' { "n" : 12345678901234567890 , "e" : [ 1E+400 , -0 , 1.50 ] , "s t" : " \\" " } ',
    ),
    '{"n":12345678901234567890,"e":[1E+400,-0,1.50],"s t":" \\" "}',
  );
});
