import assert from "node:assert/strict";
import fc from "fast-check";
import { isWildcard, topicFault, topicMatches, topicsMatch } from "../../core/topic.ts";

const VALID = [
  "*",
  "ox",
  "ox:mail",
  "ox:*",
  "ox:mail:*",
  "ox:mail:new",
  "A-b_9:Z",
  "_",
  "-",
  "x".repeat(255),
];
for (const topic of VALID) {
  Deno.test(`the topic '${topic.slice(0, 20)}' is valid`, () => {
    assert.equal(topicFault(topic), undefined);
  });
}

const INVALID = [
  "",
  " ",
  "\t\n",
  "a:*:b",
  "ox:ma*",
  "ma*",
  ":*",
  "**",
  "*:*",
  "a:*:*",
  "ox.mail",
  "ox/mail",
  ":ox",
  "ox:",
  "ox::mail",
  "ox::*",
  ":ox:*",
  " ox",
  "ox ",
  "ox:mail\n",
  "öx",
  "😀",
  "x".repeat(256),
];
for (const topic of INVALID) {
  Deno.test(`the topic ${JSON.stringify(topic.slice(0, 20))} is invalid, and it is said why`, () => {
    assert.match(topicFault(topic)!, /\S/);
  });
}

const MATCHES: readonly [string, string, boolean][] = [
  ["*", "anything:at:all", true],
  ["ox:mail:new", "ox:mail:new", true],
  ["ox:mail:new", "ox:mail:newer", false],
  ["ox:mail:new", "ox:mail", false],
  ["ox:*", "ox:mail:new", true],
  ["ox:mail:*", "ox:mail:new", true],
  ["ox:mail:*", "ox:mail", false],
  ["ox:mail:*", "ox:mailbox:new", false],
  ["my_app:*", "my_app:x", true],
  ["my_app:*", "myXapp:x", false],
  ["ox", "ox:mail", false],
  ["OX:*", "ox:mail", false],
];
for (const [pattern, topic, expected] of MATCHES) {
  Deno.test(`'${pattern}' ${expected ? "covers" : "does not cover"} '${topic}'`, () => {
    assert.equal(topicMatches(pattern, topic), expected);
  });
}

Deno.test("only a valid pattern with a star is a wildcard", () => {
  assert.deepEqual(["*", "ox:*", "ox", "ox:mail"].map(isWildcard), [true, true, false, false]);
});

Deno.test("no text makes the syntax check fail, and what it lets through is as documented", () => {
  const text = fc.oneof(
    fc.string({ unit: "binary" }),
    fc.string({ unit: fc.constantFrom("a", "_", "-", ":", "*", ".") }),
  );
  fc.assert(
    fc.property(text, (topic) => {
      const parts = topic.split(":");
      const words = parts.length > 1 && parts.at(-1) === "*" ? parts.slice(0, -1) : parts;
      const valid = topic === "*" ||
        (topic.length <= 255 && words.every((word) => /^[A-Za-z0-9_-]+$/.test(word)));
      assert.equal(topicFault(topic) === undefined, valid);
    }),
    { numRuns: 1_000 },
  );
});

Deno.test("a pattern covers a topic exactly where its words are the topic's first ones", () => {
  const word = fc.constantFrom("a", "b", "a_", "ab");
  const words = fc.array(word, { minLength: 1, maxLength: 3 });
  fc.assert(
    fc.property(words, words, (prefix, topic) => {
      const covered = topic.length > prefix.length &&
        prefix.every((word, index) => word === topic[index]);
      assert.equal(topicMatches(`${prefix.join(":")}:*`, topic.join(":")), covered);
    }),
    { numRuns: 500 },
  );
});

Deno.test("any one of several patterns is enough, and none is not", () => {
  assert.equal(topicsMatch(["a", "ox:*"], "ox:mail"), true);
  assert.equal(topicsMatch(["a", "b"], "ox:mail"), false);
  assert.equal(topicsMatch([], "ox:mail"), false);
});
