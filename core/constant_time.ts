/** Compares secrets, so that the time taken says nothing about where two of them differ. */

import { Buffer } from "node:buffer";
import { timingSafeEqual } from "node:crypto";

/** Whether two texts are the same; texts of different lengths in UTF-8 never are. */
export function equalsInConstantTime(a: string, b: string): boolean {
  const [one, other] = [Buffer.from(a), Buffer.from(b)];
  return one.length === other.length && timingSafeEqual(one, other);
}
