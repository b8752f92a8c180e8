/** Time spans, and those in which Redis was unavailable. */

import { trackOf } from "./plan.ts";
import type { Span, Trouble } from "./run_record.ts";

/** Whether two spans overlap. */
export function overlap(a: Span, b: Span): boolean {
  return a.from <= b.to && b.from <= a.to;
}

/** Whether one span contains another. */
export function lies(inner: Span, outer: Span): boolean {
  return inner.from >= outer.from && inner.to <= outer.to;
}

/** Whether an action affects Redis. */
export function isOfRedis(trouble: Trouble): boolean {
  return trackOf(trouble) === "redis";
}
