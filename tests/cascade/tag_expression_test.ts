import assert from "node:assert/strict";
import fc from "fast-check";
import { holds, parseTagExpression, type TagExpression } from "../../cascade/tag_expression.ts";

function evaluate(text: string, ...tags: string[]): boolean {
  const parsed = parseTagExpression(text);
  assert.ok(parsed.ok, parsed.ok ? "" : parsed.message);
  return holds(parsed.expression, new Set(tags));
}

function faultOf(text: string) {
  const parsed = parseTagExpression(text);
  assert.ok(!parsed.ok);
  return [parsed.column, parsed.message];
}

Deno.test("a tag holds where it is among the tags", () => {
  assert.equal(evaluate("ucWebMail", "ucWebMail"), true);
  assert.equal(evaluate("ucWebMail", "ucwebmail"), false);
});

Deno.test("'&' binds more tightly than '|', whichever stands first", () => {
  assert.equal(evaluate("a & b | c", "c"), true);
  assert.equal(evaluate("a | b & c", "a"), true);
  assert.equal(evaluate("a | b & c", "b"), false);
});

Deno.test("'!' binds more tightly than '&'", () => {
  assert.equal(evaluate("!a & b", "b"), true);
  assert.equal(evaluate("!a & b"), false);
});

Deno.test("brackets overrule precedence", () => {
  assert.equal(evaluate("a & (b | c)", "c"), false);
  assert.equal(evaluate("!(a | b)", "c"), true);
});

Deno.test("a negation may be negated", () => {
  assert.equal(evaluate("!!a", "a"), true);
  assert.equal(evaluate("! ! !a", "a"), false);
});

Deno.test("tags may contain anything but blanks and operators", () => {
  assert.equal(evaluate("taxonomy/é.1:x|b", "taxonomy/é.1:x"), true);
});

Deno.test("faults have their column", () => {
  assert.deepEqual(faultOf(""), [1, "expected a tag at the end"]);
  assert.deepEqual(faultOf("a &"), [4, "expected a tag at the end"]);
  assert.deepEqual(faultOf("a & | b"), [5, "expected a tag before '|'"]);
  assert.deepEqual(faultOf("a b"), [3, "expected '&' or '|' before 'b'"]);
  assert.deepEqual(faultOf("a & (b | c"), [5, "there is no ')' for this '('"]);
  assert.deepEqual(faultOf("a) & b"), [2, "there is no '(' for this ')'"]);
  assert.deepEqual(faultOf("a | ()"), [6, "expected a tag before ')'"]);
});

Deno.test("brackets and lengths beyond reason are refused", () => {
  assert.deepEqual(
    faultOf("(".repeat(101) + "a" + ")".repeat(101))[1],
    "brackets are nested too deeply",
  );
  assert.deepEqual(faultOf("a|".repeat(5_001))[1], "the expression is too long");
});

Deno.test("parseTagExpression() survives any text", () => {
  const text = fc.oneof(
    fc.string({ unit: "binary" }),
    fc.array(fc.constantFrom("a", "b", "&", "|", "!", "(", ")", " ")).map((parts) =>
      parts.join("")
    ),
  );
  fc.assert(fc.property(text, (input) => {
    const parsed = parseTagExpression(input);
    if (!parsed.ok) assert.ok(parsed.column >= 1 && parsed.column <= input.length + 1);
  }));
});

Deno.test("expressions mean what a naive evaluator makes of the text", () => {
  const tags = ["a", "b", "c", "d"];
  const { expression } = fc.letrec<{ expression: string; atom: string }>((tie) => ({
    expression: fc.oneof(
      { depthSize: "small" },
      tie("atom"),
      fc.tuple(tie("expression"), fc.constantFrom("&", "|"), tie("expression")).map((parts) =>
        parts.join(" ")
      ),
    ),
    atom: fc.oneof(
      { depthSize: "small" },
      fc.constantFrom(...tags),
      tie("atom").map((inner) => `!${inner}`),
      tie("expression").map((inner) => `(${inner})`),
    ),
  }));
  fc.assert(
    fc.property(expression, fc.subarray(tags), (text, present) => {
      assert.equal(evaluate(text, ...present), model(text, new Set(present)));
    }),
    { numRuns: 1000 },
  );
});

/** Evaluates while it reads, character by character; tags have one letter. */
function model(text: string, tags: ReadonlySet<string>): boolean {
  let at = 0;
  const chars = [...text.replaceAll(" ", "")];
  return sum();

  function sum(): boolean {
    let value = product();
    while (chars[at] === "|") {
      at++;
      const right = product();
      value = value || right;
    }
    return value;
  }
  function product(): boolean {
    let value = factor();
    while (chars[at] === "&") {
      at++;
      const right = factor();
      value = value && right;
    }
    return value;
  }
  function factor(): boolean {
    const char = chars[at++]!;
    if (char === "!") return !factor();
    if (char !== "(") return tags.has(char);
    const value = sum();
    at++;
    return value;
  }
}

Deno.test("a formatted expression parses to the same expression", () => {
  const tree: fc.Arbitrary<TagExpression> = fc.letrec<{ tree: TagExpression }>((tie) => ({
    tree: fc.oneof(
      { depthSize: "small" },
      fc.constantFrom("x", "y", "z").map((tag): TagExpression => ({ kind: "tag", tag })),
      tie("tree").map((operand): TagExpression => ({ kind: "not", operand })),
      fc.tuple(fc.constantFrom("and" as const, "or" as const), tie("tree"), tie("tree"))
        .map(([kind, left, right]): TagExpression => ({ kind, operands: [left, right] })),
    ),
  })).tree;
  fc.assert(fc.property(tree, fc.subarray(["x", "y", "z"]), (expression, present) => {
    assert.equal(evaluate(write(expression), ...present), holds(expression, new Set(present)));
  }));
});

function write(expression: TagExpression): string {
  if (expression.kind === "tag") return expression.tag;
  if (expression.kind === "not") return `!(${write(expression.operand)})`;
  const operator = expression.kind === "and" ? "&" : "|";
  return expression.operands.map((operand) => `(${write(operand)})`).join(operator);
}
