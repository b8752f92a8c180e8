/** Bodies of publishes for property tests, valid and not, as texts. */

import fc from "fast-check";
import { jsonText, objectText, separated, spaced, stringText } from "../support/json_texts.ts";

/** A member of an object: its name as it is written, and its value. */
type Member = readonly [name: string, value: string];

function long(length: number): string {
  return `"${"x".repeat(length)}"`;
}

const NAMES = [
  '"1"',
  "3",
  "0",
  "-0",
  "1e2",
  "2.0",
  "9007199254740991",
  '"a b"',
  '"\u0122\u{1f514}"',
]
  .concat('"\\u0031"', '"\\ud800"', '"__proto__"', '"toString"', '" "', '"\u0080"', long(255));
const NO_NAMES = ['""', long(256), '"a\\u0000"', '"a\\n"', '"\u007f"', '"\\u007f"', "-1", "1.5"]
  .concat("9007199254740992", "1e400", "-1e400", "1e300", "12345678901234567890");
const TOPICS = ['"a"', '"ox:mail:new"', '"A-z_0:9"', '"ox\\u003amail"', long(255)];
const NO_TOPICS = ['""', '" "', '"*"', '"ox:*"', '"a*"', '":a"', '"a:"', '"a::b"', '"ox.mail"', "1"]
  .concat('"a "', '"\u0131"', '"\\u0061\\n"', '"a\\u0000"', long(256));
const DATA = ["{}", '{"n":12345678901234567890,"e":1e400,"z":-0}', '{"__proto__":{"a":1}}'];
const PRIORITIES = ['"high"', '"medium"', '"low"', '"\\u006cow"'];
const NO_PRIORITIES = ['"urgent"', '"High"', '""', '"toString"', '"__proto__"', "0"];
const TTLS = ["1", "2419200", "1.0", "3600e0", "36e2"];
const NO_TTLS = ["0", "-0", "-1", "0.5", "2419201", "1e400", "1e9", '"60"', '""'];
const TEXTS = ['"c"', '" "', '"\\u0000"', '"\u0122\u{1f514}"', '"\\ud800"', long(255)];
const TOKENS = [...TEXTS, long(256), long(4096)];
const NO_TEXTS = ['""', "1"];

/** Values of no field. */
const NOTHING = ["null", "true", "false", "[]", '["1"]', "[[]]"];
const NO_OBJECTS = [...NOTHING, '"{}"', "0", "[{}]"];

const TIMES = ['"2026-12-01T08:00:00+01:00"', '"2026-12-01T07:00:00.5Z"', '{"local":"08:00"}']
  .concat('{"local":"2026-12-24T08:00","timeZone":"Europe/Berlin"}', '{ "local" : "23:59" }');
const NO_TIMES = ['"tomorrow"', '"2026-12-01T08:00:00"', '{"local":"24:00"}', "{}", "0", '""']
  .concat('{"local":"08:00","timeZone":"../../etc"}', '{"local":"08:00","more":1}');
const ESCALATIONS = ['{"after":1}', '{"after":3600}', '{"after":3e1}', '{"\\u0061fter":30}'];
const NO_ESCALATIONS = ['{"after":0}', '{"after":3601}', '{"after":1.5}', "{}", "30", '{"a":1}'];

/** Of each field: what it takes, and what it does not. */
export const FIELDS: Readonly<
  Record<string, { readonly takes: readonly string[]; readonly refuses: readonly string[] }>
> = {
  context: { takes: NAMES, refuses: [...NO_NAMES, ...NOTHING, "{}"] },
  user: { takes: NAMES, refuses: [...NO_NAMES, ...NOTHING, "{}"] },
  topic: { takes: TOPICS, refuses: [...NO_TOPICS, ...NOTHING, "{}"] },
  data: { takes: DATA, refuses: NO_OBJECTS },
  priority: { takes: PRIORITIES, refuses: [...NO_PRIORITIES, ...NOTHING, "{}"] },
  ttl: { takes: TTLS, refuses: [...NO_TTLS, ...NOTHING, "{}"] },
  collapseKey: { takes: TEXTS, refuses: [...NO_TEXTS, ...NOTHING, "{}", long(256)] },
  sourceToken: { takes: TOKENS, refuses: [...NO_TEXTS, ...NOTHING, "{}", long(4097)] },
  deliverAt: { takes: TIMES, refuses: [...NO_TIMES, ...NOTHING] },
  escalate: { takes: ESCALATIONS, refuses: [...NO_ESCALATIONS, ...NOTHING] },
  receipts: { takes: ["true", "false"], refuses: ["0", '"true"', "null", "{}", "[]"] },
};

const REQUIRED = ["context", "user", "topic", "data"];
const UNKNOWN = [
  "tll",
  "Context",
  "",
  "notifications",
  "constructor",
  "toString",
  "hasOwnProperty",
];

/** Values of a field that it takes. */
function good(name: string): fc.Arbitrary<string> {
  const values = fc.constantFrom(...FIELDS[name]!.takes);
  return name === "data" ? fc.oneof(values, objectText) : values;
}

/** A member that a notification may have. */
function member(name: string): fc.Arbitrary<Member> {
  return good(name).map((value) => [`"${name}"`, value] as const);
}

const fields = fc.subarray(Object.keys(FIELDS).filter((name) => !REQUIRED.includes(name)))
  .chain((more) => fc.tuple(...[...REQUIRED, ...more].map(member)));

/** The members of a valid notification, in any order. */
export const validMembers: fc.Arbitrary<readonly Member[]> = fields
  .chain((members) => fc.shuffledSubarray(members, { minLength: members.length }));

const anyValue = fc.oneof(
  fc.constantFrom(...Object.values(FIELDS).flatMap(({ takes, refuses }) => [...takes, ...refuses])),
  jsonText,
  stringText,
);

/** Members that mostly make no valid notification: one has another value, is missing, or is new. */
export const spoiledMembers: fc.Arbitrary<readonly Member[]> = fc.oneof(
  fc.tuple(validMembers, fc.nat(), anyValue).map(([members, at, value]) => {
    const index = at % members.length;
    return members.with(index, [members[index]![0], value]);
  }),
  fc.tuple(validMembers, fc.nat()).map(([members, at]) =>
    members.toSpliced(at % members.length, 1)
  ),
  fc.tuple(validMembers, fc.constantFrom(...UNKNOWN), jsonText)
    .map(([members, name, value]) => [...members, [`"${name}"`, value] as const]),
);

/** Names that are odd and yet valid: written with escapes, come twice, or are a prototype's. */
export const oddMembers: fc.Arbitrary<readonly Member[]> = fc.tuple(
  validMembers,
  fc.nat(),
  fc.oneof(
    fc.constantFrom('"\\u0075ser"', '"__proto__"', '"d\\u0061ta"', '"\\u006eotifications"'),
    fc.constantFrom(...Object.keys(FIELDS)).map((name) => `"${name}"`),
  ),
  jsonText,
).map(([members, at, name, value]) => members.toSpliced(at % members.length, 0, [name, value]));

/** An object's text, with white space anywhere. */
function objectOf(members: readonly Member[]): fc.Arbitrary<string> {
  const pieces = separated(members.map(([name, value]) => [name, ":", value]));
  return spaced(["", "{", ...pieces, "}"]);
}

/** The body of a request: one notification, or a few as a batch. */
export function bodyOf(members: fc.Arbitrary<readonly Member[]>): fc.Arbitrary<string> {
  const one = members.chain(objectOf);
  const name = fc.constant('"notifications"');
  const several = fc.array(one, { maxLength: 3 })
    .chain((all) => spaced(["[", ...separated(all.map((each) => [each])), "]"]));
  return fc.oneof(one, fc.tuple(name, several).chain((batch) => objectOf([batch])));
}
