/** Types and functions for JSON values and texts. */

/** Any JSON value. Everything that is sent or stored consists of these. */
export type Json = string | number | boolean | null | readonly Json[] | JsonObject;

/** A JSON object, such as the data of a notification. */
export interface JsonObject {
  readonly [key: string]: Json;
}

/** A JSON text. */
export type JsonText = string;

/** Whether a parsed value is a plain JSON object (not an array, not null). */
export function isJsonObject(value: unknown): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

// Quotes, backslashes, control characters and surrogates need an escape or a check.
// deno-lint-ignore no-control-regex -- control characters are what it searches for
const ESCAPED = /["\\\u0000-\u001f\ud800-\udfff]/;

/** A small cache of quoted texts: contexts, topics and clients repeat all the time. */
const QUOTED = Array.from({ length: 64 }, () => ({ text: "", json: '""' }));
const MAX_CACHED_LENGTH = 64;

/** Quotes a text as JSON, faster than `JSON.stringify`. */
export function quote(text: string): JsonText {
  if (text.length === 0 || text.length > MAX_CACHED_LENGTH) return quoteUncached(text);
  const known = QUOTED[(text.length * 31 + text.charCodeAt(0)) % QUOTED.length]!;
  if (known.text !== text) {
    known.json = quoteUncached(text);
    known.text = text;
  }
  return known.json;
}

function quoteUncached(text: string): JsonText {
  return ESCAPED.test(text) ? JSON.stringify(text) : `"${text}"`;
}

/** Returns the same JSON on one line: in JSON, line breaks are only between tokens. */
export function withoutLineBreaks(json: JsonText): JsonText {
  return json.includes("\n") ? json.replaceAll("\n", " ") : json;
}

/** Parses a JSON text from outside; undefined where it is malformed or not an object. */
export function parseJsonObject(text: string): JsonObject | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return isJsonObject(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

/**
 * Returns the JSON text of a value with sorted object keys at every depth, so that equal values give
 * equal texts. Aggregation and idempotency compare data by it.
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
