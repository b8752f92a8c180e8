/** Identifiers: UUIDv7, so that ids sort by the time they were made (RFC 9562 §5.7). */

import type { Clock } from "./clock.ts";

/** Makes one new id per call; later ids always sort after earlier ones. */
export type IdSource = () => string;

const HEX = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, "0"));
const COUNTER_LIMIT = 2 ** 30;

/**
 * A UUIDv7 generator that is strictly monotonic within the process, even where the wall clock
 * stands still or jumps back: it then counts on from the last id (RFC 9562 §6.2, method 1, with
 * a 30-bit counter ahead of 44 random bits). The buffer relies on the order.
 */
export function createIdSource(clock: Pick<Clock, "now">): IdSource {
  const random = new Uint8Array(1024);
  let used = random.length;
  let lastMs = 0;
  let counter = 0;
  return () => {
    if (used + 10 > random.length) {
      crypto.getRandomValues(random);
      used = 0;
    }
    const now = clock.now();
    if (now > lastMs) {
      lastMs = now;
      // Starts in the lower half, which leaves 2^29 ids to a millisecond.
      counter = ((random[used]! << 21) | (random[used + 1]! << 13) | (random[used + 2]! << 5)) >>>
        0;
    } else if (++counter >= COUNTER_LIMIT) {
      lastMs += 1;
      counter = 0;
    }
    const id = format(lastMs, counter, random, used + 4);
    used += 10;
    return id;
  };
}

/** Epoch milliseconds at which a UUIDv7 says it was made. */
export function idTime(id: string): number {
  return parseInt(id.slice(0, 8) + id.slice(9, 13), 16);
}

/** Whether a text has the form of a UUIDv7 in lower case. */
export function isId(text: string): boolean {
  return /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/.test(text);
}

function format(ms: number, counter: number, random: Uint8Array, at: number): string {
  const high = Math.floor(ms / 2 ** 16);
  const low = ms % 2 ** 16;
  return HEX[(high >>> 24) & 255]! + HEX[(high >>> 16) & 255]! + HEX[(high >>> 8) & 255]! +
    HEX[high & 255]! + "-" + HEX[low >>> 8]! + HEX[low & 255]! + "-" +
    // 12 bits of the counter after the version nibble, 14 after the variant, 4 in the node field.
    HEX[0x70 | ((counter >>> 26) & 15)]! + HEX[(counter >>> 18) & 255]! + "-" +
    HEX[0x80 | ((counter >>> 12) & 63)]! + HEX[(counter >>> 4) & 255]! + "-" +
    HEX[((counter & 15) << 4) | (random[at]! & 15)]! + HEX[random[at + 1]!]! +
    HEX[random[at + 2]!]! + HEX[random[at + 3]!]! + HEX[random[at + 4]!]! + HEX[random[at + 5]!]!;
}
