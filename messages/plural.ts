/**
 * Plurals in texts, in the form of ICU's MessageFormat: `{count, plural, =0 {no mail} one {# mail}
 * other {# mails}}`. The category follows from the rules of the locale (`Intl.PluralRules`), and `#`
 * is the number as it is written there. Branches are plain texts.
 */

import type { ParsedNotification } from "../core/notification.ts";
import { type Field, fieldOf } from "./fields.ts";

/** A parsed plural. */
export interface Plural {
  readonly field: Field;
  readonly rules: Intl.PluralRules;
  readonly numbers: Intl.NumberFormat;
  /** By category, or by `=` and the number. */
  readonly branches: ReadonlyMap<string, string>;
}

/** The result of parsing: a plural and the offset behind it, or what is wrong. */
type ParsedPlural = { readonly plural: Plural; readonly end: number } | string;

const HEAD = /\s*([\w.]+)\s*,\s*plural\s*,/y;
const BRANCH = /\s*(=\d{1,9}|zero|one|two|few|many|other)\s*\{([^{}]*)\}/y;
const END = /\s*\}/y;

/** Parses a plural behind its brace; `undefined` where the text there is no plural. */
export function parsePlural(
  text: string,
  { at, locale }: { readonly at: number; readonly locale: string },
): ParsedPlural | undefined {
  const head = matchAt(HEAD, text, at);
  if (!head) return undefined;
  const name = head[1]!;
  const field = fieldOf(name);
  if (!field) return `'${name.slice(0, 40)}' is not a field`;
  const branches = new Map<string, string>();
  let end = at + head[0].length;
  for (let branch = matchAt(BRANCH, text, end); branch; branch = matchAt(BRANCH, text, end)) {
    branches.set(branch[1]!, branch[2]!);
    end += branch[0].length;
  }
  const close = matchAt(END, text, end);
  if (!close) return "a plural has branches such as 'one {# mail}', and a '}' behind them";
  if (!branches.has("other")) return "a plural needs the branch 'other'";
  const rules = new Intl.PluralRules(locale);
  const numbers = new Intl.NumberFormat(locale);
  return { plural: { field, rules, numbers, branches }, end: end + close[0].length };
}

/** Renders a plural; what is no number takes the branch `other`, and `#` is empty then. */
export function renderPlural(
  { field, rules, numbers, branches }: Plural,
  notification: ParsedNotification,
): string {
  const text = field(notification);
  const value = text === "" ? NaN : Number(text);
  if (Number.isNaN(value)) return branches.get("other")!.replaceAll("#", "");
  const branch = branches.get(`=${value}`) ?? branches.get(rules.select(value)) ??
    branches.get("other")!;
  return branch.replaceAll("#", numbers.format(value));
}

function matchAt(pattern: RegExp, text: string, at: number): RegExpExecArray | null {
  pattern.lastIndex = at;
  return pattern.exec(text);
}
