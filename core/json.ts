/** Any value that survives JSON. Everything that travels or is stored is made of these. */
export type Json = string | number | boolean | null | readonly Json[] | JsonObject;

/** A JSON object: what a notification carries as its data. */
export interface JsonObject {
  readonly [key: string]: Json;
}

/** JSON as text. */
export type JsonText = string;

/** Whether a parsed value is a plain JSON object (not an array, not null). */
export function isJsonObject(value: unknown): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

// Quotes, backslashes, control characters and halves of surrogate pairs are written otherwise.
// deno-lint-ignore no-control-regex -- control characters are what is looked for
const ESCAPED = /["\\\u0000-\u001f\ud800-\udfff]/;

/** Short texts that were quoted lately: contexts, topics and clients come again and again. */
const QUOTED = Array.from({ length: 64 }, () => ({ text: "", json: '""' }));
const MAX_REMEMBERED = 64;

/** A text as JSON, faster than `JSON.stringify` does it. */
export function quote(text: string): JsonText {
  if (text.length === 0 || text.length > MAX_REMEMBERED) return quoteAnew(text);
  const known = QUOTED[(text.length * 31 + text.charCodeAt(0)) % QUOTED.length]!;
  if (known.text !== text) {
    known.json = quoteAnew(text);
    known.text = text;
  }
  return known.json;
}

function quoteAnew(text: string): JsonText {
  return ESCAPED.test(text) ? JSON.stringify(text) : `"${text}"`;
}

/** The object in a JSON text that somebody else wrote, or `undefined` where there is none. */
export function parseJsonObject(text: string): JsonObject | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return isJsonObject(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

/**
 * JSON text with object keys sorted at every depth, so that equal values give equal text.
 * Used where equality of data decides (aggregation, idempotency).
 */
export function canonicalJson(value: Json): string {
  if (typeof value !== "object" || value === null) return JSON.stringify(value);
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join(",")}]`;
  const object = value as JsonObject;
  const fields = Object.keys(object).sort()
    .filter((key) => object[key] !== undefined)
    .map((key) => `${JSON.stringify(key)}:${canonicalJson(object[key]!)}`);
  return `{${fields.join(",")}}`;
}
