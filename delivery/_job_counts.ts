/**
 * How many jobs a process has put off and not come to, where others may work them off instead: it
 * counts those whose time has not come, to the second, and keeps nothing of any single one.
 */

const WIDTH_MS = 1_000;
/** Above so many seconds, those that have passed are dropped. */
const MAX_IDLE = 4_096;

/** See the file's comment. */
export class JobCounts {
  readonly #bySecond = new Map<number, number>();

  add(atMs: number, now: number): void {
    if (this.#bySecond.size > MAX_IDLE) this.after(now);
    const second = Math.floor(atMs / WIDTH_MS);
    this.#bySecond.set(second, (this.#bySecond.get(second) ?? 0) + 1);
  }

  /** Those due after `now`. */
  after(now: number): number {
    const from = Math.floor(now / WIDTH_MS);
    let count = 0;
    for (const [second, jobs] of this.#bySecond) {
      if (second > from) count += jobs;
      else this.#bySecond.delete(second);
    }
    return count;
  }
}
