/**
 * Joins small stored values of events that follow each other: each single publish leaves one, and a
 * data file takes sixty-four of them in a value of their own for what one costs. Most are joined
 * before a checkpoint, so the data file never has them apart.
 */

import type { Commit, StoreKey } from "../core/store.ts";

/** A value that is stored. */
interface StoredValue {
  readonly key: StoreKey;
  readonly value: Uint8Array;
}

/** Values that are joined, and the bytes that make one small. */
const VALUES = 64;
const SMALL_BYTES = 4 * 1024;

/** The latest small values. */
export class SmallValues {
  readonly #maxBytes: number;
  #values: StoredValue[] = [];
  #bytes = 0;

  /** @param maxBytes of a joined value */
  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  /** Takes the values of one call, in the order of the calls, once they are stored. */
  stored(values: readonly StoredValue[]): void {
    const [first] = values;
    if (!first || values.length > 1 || first.value.length > SMALL_BYTES) return this.#clear();
    if (this.#bytes + first.value.length > this.#maxBytes) this.#clear();
    this.#values.push(first);
    this.#bytes += first.value.length;
  }

  /** Returns the changes that make one value of many; none while they are few. */
  joined(expireInMs: number): Pick<Commit, "sets" | "deletes"> {
    const [first, ...others] = this.#values;
    if (!first || this.#values.length < VALUES) return {};
    const value = new Uint8Array(this.#bytes);
    let at = 0;
    for (const each of this.#values) {
      value.set(each.value, at);
      at += each.value.length;
    }
    this.#clear();
    return { sets: [{ key: first.key, value, expireInMs }], deletes: others.map(({ key }) => key) };
  }

  #clear(): void {
    this.#values = [];
    this.#bytes = 0;
  }
}
