/**
 * Finds keys that follow each other in the order of a store, so that a listing can read their
 * records instead of one look-up for each: the users of a page are neighbors, and most of them have
 * nothing stored. Pure.
 */

import type { StoreKey } from "../core/store.ts";
import { encodeKey } from "./_key_order.ts";

/** Keys next to each other in a request, and in the store where they are sorted. */
export interface KeyRun {
  readonly keys: readonly StoreKey[];
  /** The same as texts that sort as the store sorts. */
  readonly texts: readonly string[];
  /** They rise, and differ in their last part only, which is a text. */
  readonly isSorted: boolean;
}

/** Cuts keys, in their order, into sorted runs of at least so many, and what is between these. */
export function keyRunsOf(keys: readonly StoreKey[], leastSorted: number): readonly KeyRun[] {
  const texts = keys.map(encodeKey);
  const runs: KeyRun[] = [];
  let others = 0;
  const add = (from: number, to: number, isSorted: boolean) => {
    if (from === to) return;
    runs.push({ keys: keys.slice(from, to), texts: texts.slice(from, to), isSorted });
  };
  for (let from = 0, to = 0; from < keys.length; from = to) {
    do to++; while (
      to < keys.length && texts[to - 1]! < texts[to]! && areSiblings(keys[to - 1]!, keys[to]!)
    );
    if (to - from < leastSorted) continue;
    add(others, from, false);
    add(from, to, true);
    others = to;
  }
  add(others, keys.length, false);
  return runs;
}

/** Returns a key directly behind another one: all other keys are before both or behind both. */
export function keyBehind(key: StoreKey): StoreKey {
  return [...key, ""];
}

function areSiblings(a: StoreKey, b: StoreKey): boolean {
  const last = a.length - 1;
  return a.length === b.length && typeof a[last] === "string" && typeof b[last] === "string" &&
    a.every((part, at) => at === last || part === b[at]);
}
