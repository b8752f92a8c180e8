/**
 * Texts with placeholders: `{sender}`, `{displayname|email}` (the first that is not empty),
 * `{subject|No subject}` (a name that is not a field is literal text), and `{{` and `}}` for
 * braces. Parsed once, on load; rendering cannot fail.
 */

import type { ParsedNotification } from "../core/notification.ts";
import { type Field, FIELD_NAMES, fieldOf } from "./fields.ts";
import { parsePlural, type Plural, renderPlural } from "./plural.ts";

/** A parsed text. */
export type TextTemplate = readonly Piece[];

type Piece = string | Placeholder | Plural;

interface Placeholder {
  readonly fields: readonly Field[];
  /** Shown where all fields are empty. */
  readonly fallback: string;
}

/** The result of parsing; `at` is the offset of a fault in the text. */
type ParsedText =
  | { readonly ok: true; readonly template: TextTemplate }
  | { readonly ok: false; readonly at: number; readonly message: string };

const MAX_LENGTH = 1024;
const DEFAULT_LOCALE = "en";
const TOKEN = /\{\{|\}\}|[{}]/g;

/**
 * Parses a text, or says what is wrong with it.
 *
 * @param options.locale whose plural rules apply. @default {"en"}
 */
export function parseTextTemplate(
  text: string,
  { locale = DEFAULT_LOCALE }: { readonly locale?: string | undefined } = {},
): ParsedText {
  if (text.length > MAX_LENGTH) return fault(0, `a text has at most ${MAX_LENGTH} characters`);
  const pieces: Piece[] = [];
  let literal = "";
  let at = 0;
  while (at < text.length) {
    TOKEN.lastIndex = at;
    const token = TOKEN.exec(text);
    literal += text.slice(at, token?.index);
    if (!token) break;
    at = token.index + token[0].length;
    if (token[0].length === 2) {
      literal += token[0][0];
      continue;
    }
    const parsed = token[0] === "{" ? parsePlural(text, { at, locale }) : undefined;
    if (typeof parsed === "string") return fault(token.index, parsed);
    if (parsed) {
      pieces.push(literal, parsed.plural);
      literal = "";
      at = parsed.end;
      continue;
    }
    const end = text.indexOf("}", at);
    if (token[0] === "}") return fault(token.index, "a '}' without '{'; write '}}' for a brace");
    if (end < 0) return fault(token.index, "a '{' without '}'; write '{{' for a brace");
    const placeholder = parsePlaceholder(text.slice(at, end));
    if (typeof placeholder === "string") return fault(token.index, placeholder);
    pieces.push(literal, placeholder);
    literal = "";
    at = end + 1;
  }
  const template = [...pieces, literal].filter((piece) => piece !== "");
  return { ok: true, template };
}

/** Renders the text for a notification; `encode` applies to the values of placeholders. */
export function renderText(
  template: TextTemplate,
  notification: ParsedNotification,
  encode: (value: string) => string = (value) => value,
): string {
  let text = "";
  for (const piece of template) {
    if (typeof piece === "string") text += piece;
    else {
      text += encode(
        "rules" in piece ? renderPlural(piece, notification) : valueOf(piece, notification),
      );
    }
  }
  return text;
}

/**
 * Renders an address. Values are percent-encoded, so that a folder with a space or slash stays one
 * segment, unless the whole address is one placeholder.
 */
export function renderAddress(template: TextTemplate, notification: ParsedNotification): string {
  return template.length === 1
    ? renderText(template, notification)
    : renderText(template, notification, (value) => encodeURIComponent(value.toWellFormed()));
}

function valueOf({ fields, fallback }: Placeholder, notification: ParsedNotification): string {
  for (const field of fields) {
    const value = field(notification);
    if (value !== "") return value;
  }
  return fallback;
}

/** Parses the text between two braces, or says why it is not a placeholder. */
function parsePlaceholder(inside: string): Placeholder | string {
  const parts = inside.split("|");
  const fields: Field[] = [];
  let fallback = "";
  for (const [index, part] of parts.entries()) {
    const field = fieldOf(part.trim());
    if (field) fields.push(field);
    else if (index > 0 && index === parts.length - 1) fallback = part;
    else return unknown(part.trim());
  }
  return { fields, fallback };
}

function unknown(name: string): string {
  return `the placeholder '{${name.slice(0, 40)}}' is not known; known are ${
    FIELD_NAMES.join(", ")
  }, and 'data.' with the name of any other field`;
}

function fault(at: number, message: string): ParsedText {
  return { ok: false, at, message };
}
