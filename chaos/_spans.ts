/** Stretches of time, and those in which Redis was away. */

import { trackOf } from "./plan.ts";
import type { Span, Trouble } from "./story.ts";

/** Whether two have a moment in common. */
export function overlap(a: Span, b: Span): boolean {
  return a.from <= b.to && b.from <= a.to;
}

/** Whether one lies within another. */
export function lies(inner: Span, outer: Span): boolean {
  return inner.from >= outer.from && inner.to <= outer.to;
}

/** Whether it is Redis that something happened to. */
export function isOfRedis(trouble: Trouble): boolean {
  return trackOf(trouble) === "redis";
}
