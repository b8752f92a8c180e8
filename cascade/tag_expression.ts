/**
 * Parses and evaluates the expressions of `withTags`: tags with `!`, `&` and `|`, in this order of
 * precedence, and brackets. (The original has no precedence and needs brackets.) A tag is any text
 * without blanks and without these characters.
 */

/** A parsed expression. */
export type TagExpression =
  | { readonly kind: "tag"; readonly tag: string }
  | { readonly kind: "not"; readonly operand: TagExpression }
  | { readonly kind: "and" | "or"; readonly operands: readonly TagExpression[] };

type ParsedExpression =
  | { readonly ok: true; readonly expression: TagExpression }
  /** `column` counts from 1 within the text. */
  | { readonly ok: false; readonly column: number; readonly message: string };

interface Token {
  readonly text: string;
  readonly column: number;
}

/** Deeper brackets are refused, before they could overflow the stack. */
const MAX_DEPTH = 100;
const MAX_LENGTH = 10_000;
const TOKEN = /[&|!()]|[^\s&|!()]+/g;
const OPERATORS = new Set(["&", "|", "!", "(", ")"]);

/** Whether a text can be one tag. */
export function isTag(text: string): boolean {
  return /^[^\s&|!()]+$/.test(text);
}

/** Parses an expression. Never throws. */
export function parseTagExpression(text: string): ParsedExpression {
  if (text.length > MAX_LENGTH) {
    return { ok: false, column: MAX_LENGTH, message: "the expression is too long" };
  }
  try {
    return { ok: true, expression: parse(text) };
  } catch (thrown) {
    if (thrown instanceof ExpressionFault) {
      return { ok: false, column: thrown.column, message: thrown.message };
    }
    throw thrown;
  }
}

/** Whether an expression holds for a set of tags. */
export function holds(
  expression: TagExpression,
  tags: Pick<ReadonlySet<string>, "has">,
): boolean {
  switch (expression.kind) {
    case "tag":
      return tags.has(expression.tag);
    case "not":
      return !holds(expression.operand, tags);
    case "and":
      return expression.operands.every((operand) => holds(operand, tags));
    case "or":
      return expression.operands.some((operand) => holds(operand, tags));
  }
}

/** Ends the recursive descent; never thrown to callers. */
class ExpressionFault extends Error {
  readonly column: number;

  constructor(column: number, message: string) {
    super(message);
    this.column = column;
  }
}

/** @throws {ExpressionFault} */
function parse(text: string): TagExpression {
  const tokens: readonly Token[] = [...text.matchAll(TOKEN)]
    .map(({ 0: token, index }) => ({ text: token, column: index + 1 }));
  let next = 0;
  let depth = 0;

  function or(): TagExpression {
    return chain("or", "|", () => chain("and", "&", not));
  }

  function chain(
    kind: "and" | "or",
    operator: string,
    operand: () => TagExpression,
  ): TagExpression {
    const operands = [operand()];
    while (take(operator)) operands.push(operand());
    return operands.length === 1 ? operands[0]! : { kind, operands };
  }

  function not(): TagExpression {
    let negated = false;
    while (take("!")) negated = !negated;
    const inner = operand();
    return negated ? { kind: "not", operand: inner } : inner;
  }

  function operand(): TagExpression {
    const token = tokens[next];
    if (!token) throw new ExpressionFault(text.length + 1, "expected a tag at the end");
    if (token.text === "(") return bracket(token);
    if (OPERATORS.has(token.text)) {
      throw new ExpressionFault(token.column, `expected a tag before '${token.text}'`);
    }
    next++;
    return { kind: "tag", tag: token.text };
  }

  function bracket({ column }: Token): TagExpression {
    if (++depth > MAX_DEPTH) throw new ExpressionFault(column, "brackets are nested too deeply");
    next++;
    const inner = or();
    if (!take(")")) throw new ExpressionFault(column, "there is no ')' for this '('");
    depth--;
    return inner;
  }

  function take(operator: string): boolean {
    if (tokens[next]?.text !== operator) return false;
    next++;
    return true;
  }

  const expression = or();
  const rest = tokens[next];
  if (rest?.text === ")") throw new ExpressionFault(rest.column, "there is no '(' for this ')'");
  if (rest) throw new ExpressionFault(rest.column, `expected '&' or '|' before '${rest.text}'`);
  return expression;
}
