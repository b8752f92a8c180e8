/** The quick reader of publishes beside the schema, which has the last word. */

import assert from "node:assert/strict";
import fc from "fast-check";
import type { JsonObject } from "../../core/json.ts";
import { batch, draft } from "../../routes/publish.ts";
import { type Drafts, readDrafts } from "../../routes/_read_drafts.ts";
import { edited, edits } from "../support/json_texts.ts";
import { bodyOf, FIELDS, oddMembers, spoiledMembers, validMembers } from "./_bodies.ts";

interface Read {
  readonly alone: boolean;
  readonly drafts: readonly JsonObject[];
}

/** What the reader makes of a body, with its data parsed. */
function quickly(text: string): Read | undefined {
  const read = readDrafts(text);
  assert.deepEqual(readDrafts(text, new TextEncoder().encode(text)), read);
  return read && { alone: read.alone, drafts: read.drafts.map(parsed) };
}

function parsed({ data, ...rest }: Drafts["drafts"][number]): JsonObject {
  return present({ ...rest, data: JSON.parse(data) });
}

/** What the schema makes of it. */
function bySchema(text: string): Read | undefined {
  let body;
  try {
    body = JSON.parse(text);
  } catch {
    return undefined;
  }
  const alone = typeof body !== "object" || body === null || !("notifications" in body);
  const checked = alone ? draft.safeParse(body) : batch.safeParse(body);
  if (!checked.success) return undefined;
  const drafts = "notifications" in checked.data ? checked.data.notifications : [checked.data];
  return { alone, drafts: drafts.map(present) };
}

/** Without the fields that are left out. */
function present(fields: object): JsonObject {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined));
}

/** Both read it alike, or both refuse it; whether they do not. */
function assertAlike(text: string): boolean {
  const read = quickly(text);
  assert.deepEqual(read, bySchema(text), text.slice(0, 1000));
  return read !== undefined;
}

/** What the reader takes the schema takes, and reads alike. */
function assertWithin(text: string): void {
  const read = quickly(text);
  if (read) assert.deepEqual(read, bySchema(text), text.slice(0, 1000));
}

const BASE: Readonly<Record<string, string>> = {
  context: '"1"',
  user: '"3"',
  topic: '"ox:mail:new"',
  data: '{"a":1}',
};

function written(fields: Readonly<Record<string, string>>): string {
  return `{${Object.entries(fields).map(([name, value]) => `"${name}":${value}`).join()}}`;
}

const ONE = written(BASE);

function batchOf(count: number): string {
  return `{"notifications":[${Array.from({ length: count }, () => ONE).join()}]}`;
}

for (const [name, { takes, refuses }] of Object.entries(FIELDS)) {
  Deno.test(`the reader takes the same as ${name} as the schema does`, () => {
    for (const value of takes) {
      assert.ok(assertAlike(written({ ...BASE, [name]: value })), value.slice(0, 50));
      assertAlike(`{"notifications":[${ONE},${written({ ...BASE, [name]: value })},${ONE}]}`);
    }
    for (const value of refuses) {
      assert.ok(!assertAlike(written({ ...BASE, [name]: value })), value.slice(0, 50));
      assertAlike(`{"notifications":[${ONE},${written({ ...BASE, [name]: value })},${ONE}]}`);
    }
    for (const { takes, refuses } of Object.values(FIELDS)) {
      for (const value of [...takes, ...refuses]) assertAlike(written({ ...BASE, [name]: value }));
    }
    const { [name]: _, ...rest } = BASE;
    assertAlike(written(rest));
  });
}

Deno.test("every valid body is read, and as the schema reads it", () => {
  fc.assert(
    fc.property(bodyOf(validMembers), (text) => {
      assert.equal(assertAlike(text), !/^\s*\{\s*"notifications"\s*:\s*\[\s*\]/.test(text));
    }),
    { numRuns: 1000 },
  );
});

Deno.test("a body in which a notification is spoiled is read where the schema reads it", () => {
  const members = fc.oneof(
    { weight: 3, arbitrary: spoiledMembers },
    { weight: 1, arbitrary: validMembers },
  );
  fc.assert(fc.property(bodyOf(members), (text) => void assertAlike(text)), { numRuns: 2000 });
});

Deno.test("a body with names that are odd is left to the schema or read as the schema reads it", () => {
  const members = fc.oneof(oddMembers, validMembers);
  fc.assert(fc.property(bodyOf(members), assertWithin), { numRuns: 1000 });
});

Deno.test("a body in which characters were changed is not read where the schema does not read it", () => {
  fc.assert(
    fc.property(bodyOf(validMembers), edits, (text, changes) => {
      assertWithin(edited(text, changes));
    }),
    { numRuns: 3000 },
  );
});

Deno.test("a body of which pieces are missing is not read where the schema does not read it", () => {
  const pieces = [...`{"notifications":[${ONE},${ONE}]}`.split(/(?<=[{}[\]:,])|(?=[{}[\]:,])/)];
  const kept = fc.subarray([...pieces.keys()], { minLength: 1 });
  fc.assert(
    fc.property(kept, (kept) => assertWithin(kept.map((at) => pieces[at]).join(""))),
    { numRuns: 3000 },
  );
  // Any one piece left out, and any one end cut off behind it.
  for (const at of pieces.keys()) {
    const without = pieces.toSpliced(at, 1);
    for (const end of pieces.keys()) assertWithin(without.slice(0, end).join(""));
  }
});

for (
  const [what, text] of Object.entries({
    "a notification in place of the list": `{"notifications":${ONE}`,
    "a notification in place of a context": `{"notifications":[{"context":${ONE}`,
    "a notification in place of a comma": `{"notifications":[${ONE}${ONE}`,
    "a notification after too many": `${batchOf(1001).slice(0, -2)}${ONE}`,
    "a notification after a list": `{"notifications":[]${ONE}`,
    "two notifications": `${ONE}${ONE}`,
    "a notification and a comma": `${ONE},`,
    "a notification and a NUL": `${ONE}\u0000`,
    "nothing": "",
  })
) {
  Deno.test(`a body that is malformed is not read: ${what}`, () => {
    assert.equal(quickly(text), undefined);
  });
}

Deno.test("from 1 to 1,000 notifications are read at once", () => {
  for (const [count, isRead] of [[0, false], [1, true], [1000, true], [1001, false]] as const) {
    assert.equal(assertAlike(batchOf(count)), isRead, `${count}`);
  }
});

Deno.test("a list of notifications is read alone in its object, or not at all", () => {
  const list = `[${ONE}]`;
  assert.equal(readDrafts(`{"notifications":${list}}`)?.alone, false);
  for (
    const text of [
      ...[list, `[${list}]`, `{"notifications":${list},"a":1}`, `{"a":1,"notifications":${list}}`],
      ...[`{"notifications":[${list}]}`, `{"notifications":[null]}`, `{"notifications":null}`],
      ...[`{"Notifications":${list}}`, `{"notifications":{}}`, `{"notifications":${ONE}}`],
      ...[`${ONE.slice(0, -1)},"notifications":${list}}`, `{"notifications":[${ONE},]}`],
    ]
  ) {
    assert.ok(!assertAlike(text), text);
  }
});

Deno.test("repeated names and names with escapes are read as the schema reads them", () => {
  for (const name of Object.keys(FIELDS)) {
    const escaped = `\\u${name.charCodeAt(0).toString(16).padStart(4, "0")}${name.slice(1)}`;
    for (const value of FIELDS[name]!.takes) {
      for (const repeated of [name, escaped, "__proto__"]) {
        assertWithin(
          written({ ...BASE, [name]: value }).replace(/\}$/, `,"${repeated}":${value}}`),
        );
        assertWithin(written({ ...BASE, [name]: value }).replace(/^\{/, `{"${repeated}":null,`));
      }
    }
  }
});

Deno.test("data stay as they were written but for white space between tokens", () => {
  for (
    const data of [
      ...[
        '{"n":12345678901234567890,"e":1e400,"z":-0,"d":1.50,"E":1E+05}',
        "{}",
        '{"a":[],"o":{}}',
      ],
      ...['{"half":"\\ud83d","other":"\\uDD14\\ud83d"}', '{"a":1,"a":2,"\\u0061":3}'],
      ...['{"__proto__":{"polluted":1},"constructor":{"prototype":{"polluted":1}}}'],
      ...[
        '{" s p ":" \\t \\" : { , } ","\u00a0":"\u2028\u0122\u{1f514}\\/"}',
        '{"\ud83d":"\udd14"}',
      ],
    ]
  ) {
    const strings = /("(?:[^"\\]|\\.)*")/;
    const loose = data.split(strings).map((part, at) =>
      at % 2 === 1 ? part : part.replace(/[{}[\]:,]/g, "\r\n $&\t ")
    ).join("");
    for (const text of [data, loose]) {
      assert.equal(readDrafts(written({ ...BASE, data: text }))?.drafts[0]?.data, data);
      const within = `{"notifications":[${ONE},${written({ ...BASE, data: text })}]}`;
      assert.equal(readDrafts(within)?.drafts[1]?.data, data);
      assert.ok(assertAlike(within));
    }
  }
  assert.ok(!("polluted" in {}));
});

Deno.test("data are read 64 levels deep and no deeper, whatever stands around them", () => {
  const deep = (levels: number) => `{"a":${"[".repeat(levels - 1)}${"]".repeat(levels - 1)}}`;
  for (const [levels, isRead] of [[64, true], [65, false], [65_535, false]] as const) {
    const text = written({ ...BASE, data: deep(levels) });
    assert.equal(quickly(text) !== undefined, isRead);
    assert.equal(quickly(`{"notifications":[${ONE},${text}]}`) !== undefined, isRead);
  }
  assert.ok(assertAlike(written({ ...BASE, data: deep(64) })));
  assert.ok(!assertAlike(written({ ...BASE, data: deep(65) })));
});

Deno.test("users or an audience are read in the place of a user, as the schema reads them", () => {
  const { user: _, ...toMany } = BASE;
  const audience = '{"kind":"group","group":"sales"}';
  for (const [name, value] of [["users", '["a",7,"b"]'], ["audience", audience]] as const) {
    const text = written({ ...toMany, [name]: value });
    const read: Record<string, unknown> = { ...readDrafts(text)?.drafts[0] };
    assert.equal(read["user"], "");
    const checked = draft.safeParse(JSON.parse(text)).data as Record<string, unknown>;
    assert.deepEqual(read[name], checked[name]);
    // Beside a user or each other both refuse them.
    assert.ok(!assertAlike(written({ ...BASE, [name]: value })));
  }
  assert.ok(!assertAlike(written({ ...toMany, users: '["a"]', audience })));
  for (
    const [name, value] of [["users", "[]"], ["users", '["a\\n"]'], ["audience", "{}"]] as const
  ) {
    assert.ok(!assertAlike(written({ ...toMany, [name]: value })), value);
  }
});
