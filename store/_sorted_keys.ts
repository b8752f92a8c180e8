/**
 * An ordered set of texts: a list of short sorted runs, so that adding and deleting move a few
 * hundred elements at most, however large the set is.
 */

const MAX_RUN = 512;

/** The texts to read: from `lower` (inclusive) to `upper` (exclusive). */
interface KeyPage {
  readonly lower: string;
  readonly upper: string;
  readonly limit: number;
  readonly reverse?: boolean;
}

/** The set. Callers must not add a text that is in it. */
export class SortedKeys {
  /** Sorted runs, in order; none is empty. */
  readonly #runs: string[][] = [];

  add(key: string): void {
    const at = Math.min(this.#runOf(key), this.#runs.length - 1);
    const run = this.#runs[at];
    if (run === undefined) {
      this.#runs.push([key]);
      return;
    }
    run.splice(firstAtLeast(run, key), 0, key);
    if (run.length > MAX_RUN) this.#runs.splice(at + 1, 0, run.splice(MAX_RUN / 2));
  }

  delete(key: string): void {
    const at = this.#runOf(key);
    const run = this.#runs[at];
    if (run === undefined) return;
    const index = firstAtLeast(run, key);
    if (run[index] !== key) return;
    run.splice(index, 1);
    if (run.length === 0) this.#runs.splice(at, 1);
  }

  /** Returns up to `limit` texts; from the last one on where `reverse` is set. */
  page({ lower, upper, limit, reverse = false }: KeyPage): readonly string[] {
    const found: string[] = [];
    if (reverse) {
      for (let at = Math.min(this.#runOf(upper), this.#runs.length - 1); at >= 0; at--) {
        const run = this.#runs[at]!;
        for (let index = firstAtLeast(run, upper) - 1; index >= 0; index--) {
          if (run[index]! < lower || found.length >= limit) return found;
          found.push(run[index]!);
        }
      }
      return found;
    }
    for (let at = this.#runOf(lower); at < this.#runs.length; at++) {
      const run = this.#runs[at]!;
      for (let index = firstAtLeast(run, lower); index < run.length; index++) {
        if (run[index]! >= upper || found.length >= limit) return found;
        found.push(run[index]!);
      }
    }
    return found;
  }

  /** Returns the index of the first run that ends at or after the text. */
  #runOf(key: string): number {
    let low = 0;
    let high = this.#runs.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.#runs[middle]!.at(-1)! < key) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

function firstAtLeast(run: readonly string[], key: string): number {
  let low = 0;
  let high = run.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (run[middle]! < key) low = middle + 1;
    else high = middle;
  }
  return low;
}
