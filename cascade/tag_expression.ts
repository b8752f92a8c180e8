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
    return { ok: true, expression: new Parser(text).parse() };
  } catch (thrown) {
    if (thrown instanceof ExpressionFault) {
      return { ok: false, column: thrown.column, message: thrown.message };
    }
    throw thrown;
  }
}

/** Whether an expression holds for a set of tags. */
export function holds(expression: TagExpression, tags: ReadonlySet<string>): boolean {
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

class Parser {
  readonly #tokens: readonly Token[];
  readonly #end: number;
  #next = 0;
  #depth = 0;

  constructor(text: string) {
    this.#tokens = [...text.matchAll(TOKEN)].map(({ 0: token, index }) => ({
      text: token,
      column: index + 1,
    }));
    this.#end = text.length + 1;
  }

  parse(): TagExpression {
    const expression = this.#or();
    const rest = this.#tokens[this.#next];
    if (rest?.text === ")") throw new ExpressionFault(rest.column, "there is no '(' for this ')'");
    if (rest) {
      throw new ExpressionFault(rest.column, `expected '&' or '|' before '${rest.text}'`);
    }
    return expression;
  }

  #or(): TagExpression {
    return this.#chain("or", "|", () => this.#chain("and", "&", () => this.#not()));
  }

  #chain(kind: "and" | "or", operator: string, operand: () => TagExpression): TagExpression {
    const operands = [operand()];
    while (this.#take(operator)) operands.push(operand());
    return operands.length === 1 ? operands[0]! : { kind, operands };
  }

  #not(): TagExpression {
    let negated = false;
    while (this.#take("!")) negated = !negated;
    const operand = this.#operand();
    return negated ? { kind: "not", operand } : operand;
  }

  #operand(): TagExpression {
    const token = this.#tokens[this.#next];
    if (!token) throw new ExpressionFault(this.#end, "expected a tag at the end");
    if (token.text === "(") return this.#bracket(token);
    if (OPERATORS.has(token.text)) {
      throw new ExpressionFault(token.column, `expected a tag before '${token.text}'`);
    }
    this.#next++;
    return { kind: "tag", tag: token.text };
  }

  #bracket(open: Token): TagExpression {
    if (++this.#depth > MAX_DEPTH) {
      throw new ExpressionFault(open.column, "brackets are nested too deeply");
    }
    this.#next++;
    const inner = this.#or();
    if (!this.#take(")")) throw new ExpressionFault(open.column, "there is no ')' for this '('");
    this.#depth--;
    return inner;
  }

  #take(text: string): boolean {
    if (this.#tokens[this.#next]?.text !== text) return false;
    this.#next++;
    return true;
  }
}
