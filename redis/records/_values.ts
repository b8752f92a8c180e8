/**
 * Encodes values of records as texts: JSON, or a marked form for what JSON cannot express. In the
 * marked form an object with one key that begins with `$` stands for another type, and such a key
 * of the value itself gets one more `$`.
 */

/** First character of a text: plain JSON, or the marked form. */
const PLAIN = "j";
const MARKED = "m";

/**
 * Encodes a value: JSON data, byte arrays, dates, `undefined` and all numbers.
 *
 * @throws {TypeError} the value contains something else, such as a function or a map
 */
export function encodeValue(value: unknown): string {
  return isPlain(value) ? PLAIN + JSON.stringify(value) : MARKED + JSON.stringify(mark(value));
}

/** Decodes a value. */
export function decodeValue(text: string): unknown {
  const value = JSON.parse(text.slice(1));
  return text.startsWith(MARKED) ? unmark(value) : value;
}

/** Whether JSON returns the value unchanged. */
function isPlain(value: unknown): boolean {
  switch (typeof value) {
    case "string":
    case "boolean":
      return true;
    case "number":
      return Number.isFinite(value) && !Object.is(value, -0);
    case "object":
      break;
    default:
      return false;
  }
  if (value === null) return true;
  if (Array.isArray(value)) {
    // Unlike `every`, this loop also visits holes.
    for (const item of value) if (!isPlain(item)) return false;
    return true;
  }
  const prototype = Object.getPrototypeOf(value);
  if (prototype !== Object.prototype && prototype !== null) return false;
  for (const key in value) {
    if (key.startsWith("$") || !isPlain((value as Record<string, unknown>)[key])) return false;
  }
  return true;
}

function mark(value: unknown): unknown {
  switch (typeof value) {
    case "string":
    case "boolean":
      return value;
    case "undefined":
      return { $undefined: 0 };
    case "number":
      return isPlain(value) ? value : { $number: Object.is(value, -0) ? "-0" : String(value) };
    case "bigint":
      return { $bigint: String(value) };
    case "object":
      return value === null ? null : markObject(value);
    default:
      throw new TypeError(`Cannot store a ${typeof value}`);
  }
}

function markObject(value: object): unknown {
  // Holes in arrays become `undefined`.
  if (Array.isArray(value)) return Array.from(value, mark);
  if (value instanceof Uint8Array) return { $bytes: value.toBase64() };
  if (value instanceof Date) return { $date: mark(value.getTime()) };
  const prototype = Object.getPrototypeOf(value);
  if (prototype !== Object.prototype && prototype !== null) {
    throw new TypeError(`Cannot store a ${value.constructor?.name ?? "strange object"}`);
  }
  return Object.fromEntries(
    Object.entries(value).map(([key, item]) => [key.startsWith("$") ? `$${key}` : key, mark(item)]),
  );
}

function unmark(value: unknown): unknown {
  if (typeof value !== "object" || value === null) return value;
  if (Array.isArray(value)) return value.map(unmark);
  const entries = Object.entries(value);
  const [first] = entries;
  if (first !== undefined && /^\$[a-z]/.test(first[0])) return unmarkOne(...first);
  return Object.fromEntries(
    entries.map(([key, item]) => [key.startsWith("$") ? key.slice(1) : key, unmark(item)]),
  );
}

function unmarkOne(key: string, value: unknown): unknown {
  switch (key) {
    case "$undefined":
      return undefined;
    case "$number":
      return Number(value);
    case "$bigint":
      return BigInt(value as string);
    case "$date":
      return new Date(unmark(value) as number);
    case "$bytes":
      return Uint8Array.fromBase64(value as string);
    default:
      throw new TypeError(`Cannot read a stored value: '${key}' is not known`);
  }
}
