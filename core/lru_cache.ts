/**
 * A bounded cache that evicts entries that were not used recently. It keeps two generations instead
 * of an exact order, so that a hit in the young one costs a look-up and no write.
 */

/**
 * Keeps at least the keys that were used last and weigh `capacity / 2`, and at most `capacity`. A key
 * weighs 1 where the constructor gets no function that says otherwise.
 */
export class LruCache<V extends object | null> {
  readonly #half: number;
  #young = new Map<string, V>();
  #old = new Map<string, V>();
  /** Of the young generation. */
  #weight = 0;
  readonly #weightOf: (value: V) => number;

  constructor(capacity: number, weightOf: (value: V) => number = () => 1) {
    this.#half = Math.max(1, Math.floor(capacity / 2));
    this.#weightOf = weightOf;
  }

  get(key: string): V | undefined {
    const young = this.#young.get(key);
    if (young !== undefined) return young;
    const old = this.#old.get(key);
    if (old !== undefined) this.set(key, old);
    return old;
  }

  set(key: string, value: V): void {
    this.#weight += this.#weightOf(value) - this.#weightIn(key);
    this.#young.set(key, value);
    if (this.#weight < this.#half) return;
    this.#old = this.#young;
    this.#young = new Map();
    this.#weight = 0;
  }

  delete(key: string): void {
    this.#weight -= this.#weightIn(key);
    this.#young.delete(key);
    this.#old.delete(key);
  }

  clear(): void {
    this.#young.clear();
    this.#old.clear();
    this.#weight = 0;
  }

  #weightIn(key: string): number {
    const value = this.#young.get(key);
    return value === undefined ? 0 : this.#weightOf(value);
  }
}
