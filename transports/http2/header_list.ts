/** The headers of one answer, as they came. */

/** Header names and values in order, names in lower case. */
export class HeaderList {
  readonly #entries: readonly string[];

  /** `entries`: name, value, name, value, … */
  constructor(entries: readonly string[]) {
    this.#entries = entries;
  }

  /** The first value of a header, as `Headers.get` would say it for one that comes once. */
  get(name: string): string | null {
    const entries = this.#entries;
    for (let at = 0; at < entries.length; at += 2) {
      if (entries[at] === name) return entries[at + 1]!;
    }
    return null;
  }
}
