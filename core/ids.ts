/**
 * Identifiers: UUIDv7, so that ids sort by the time of their creation (RFC 9562 §5.7). The last eight
 * digits of an id are the tag of the process that created it.
 */

import type { Clock } from "./clock.ts";

/** Returns a new id at each call; later ids sort after earlier ones. */
export type IdSource = () => string;

const HEX = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, "0"));
const COUNTER_LIMIT = 2 ** 30;
const TAG_DIGITS = 8;
/** The characters of an id. */
export const ID_LENGTH = 36;

/**
 * Creates a UUIDv7 generator that is strictly monotonic within the process, even if the wall clock
 * stands still or jumps back: it then counts on from the last id (RFC 9562 §6.2, method 1, with a
 * 30-bit counter before 12 random bits). The buffer relies on the order, and on the common tag of all
 * ids of a source.
 *
 * @param options.tag see {@link createTag} @default {a new one}
 */
export function createIdSource(
  clock: Pick<Clock, "now">,
  { tag = createTag() }: { readonly tag?: string } = {},
): IdSource {
  const random = new Uint8Array(1024);
  let used = random.length;
  let lastMs = 0;
  let counter = 0;
  /** The common start of ids with the same time and upper half of the counter. */
  let head = "";
  let headMs = -1;
  let headCounter = -1;
  return () => {
    if (used + 6 > random.length) {
      crypto.getRandomValues(random);
      used = 0;
    }
    const now = clock.now();
    if (now > lastMs) {
      lastMs = now;
      // Starts in the lower half, which leaves 2^29 ids per millisecond.
      counter = ((random[used]! << 21) | (random[used + 1]! << 13) | (random[used + 2]! << 5)) >>>
        0;
    } else if (++counter >= COUNTER_LIMIT) {
      lastMs += 1;
      counter = 0;
    }
    const upper = counter >>> 18;
    if (lastMs !== headMs || upper !== headCounter) {
      head = headOf(headMs = lastMs, headCounter = upper);
    }
    const rest = restOf(counter, (random[used + 3]! << 8) | random[used + 4]!);
    used += 5;
    return head + rest + tag;
  };
}

/**
 * Creates a tag for a process: eight hexadecimal digits with 31 random bits. The first digit is 8 or
 * above, so that a tag sorts after every id (until the year 6429).
 */
export function createTag(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(TAG_DIGITS / 2));
  bytes[0]! |= 0x80;
  return Array.from(bytes, (byte) => HEX[byte]!).join("");
}

/** Returns the tag of the process that created an id. */
export function idTag(id: string): string {
  return id.slice(-TAG_DIGITS);
}

/** Returns the time in a UUIDv7, in epoch milliseconds. */
export function idTime(id: string): number {
  return parseInt(id.slice(0, 8) + id.slice(9, 13), 16);
}

/** Returns a text that sorts before all ids of this time or later, in epoch milliseconds. */
export function firstIdAt(epochMs: number): string {
  const digits = Math.max(0, Math.floor(epochMs)).toString(16).padStart(12, "0");
  return `${digits.slice(0, 8)}-${digits.slice(8)}`;
}

/** Whether a text is a UUIDv7 in lower case. */
export function isId(text: string): boolean {
  return /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/.test(text);
}

/** Formats the time, the version digit and the upper 12 bits of the counter. */
function headOf(ms: number, upper: number): string {
  const high = Math.floor(ms / 2 ** 16);
  const low = ms % 2 ** 16;
  return HEX[(high >>> 24) & 255]! + HEX[(high >>> 16) & 255]! + HEX[(high >>> 8) & 255]! +
    HEX[high & 255]! + "-" + HEX[low >>> 8]! + HEX[low & 255]! + "-" +
    HEX[0x70 | (upper >>> 8)]! + HEX[upper & 255]! + "-";
}

/** Formats the variant bits, 14 bits of the counter, 4 more in the node field, 12 random bits. */
function restOf(counter: number, random: number): string {
  return HEX[0x80 | ((counter >>> 12) & 63)]! + HEX[(counter >>> 4) & 255]! + "-" +
    HEX[((counter & 15) << 4) | (random & 15)]! + HEX[(random >>> 4) & 255]!;
}
