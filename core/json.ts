/** Any value that survives JSON. Everything that travels or is stored is made of these. */
export type Json = string | number | boolean | null | readonly Json[] | JsonObject;

/** A JSON object: what a notification carries as its data. */
export interface JsonObject {
  readonly [key: string]: Json;
}

/** Whether a parsed value is a plain JSON object (not an array, not null). */
export function isJsonObject(value: unknown): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
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
