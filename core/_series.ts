/**
 * The values of one metric, stored so that an update costs one map look-up. prom-client, which
 * exposes the metrics, is much slower at updates, and each notification makes several.
 */

type Labels = Readonly<Record<string, string>>;

interface Entry<V> {
  readonly labels: Labels;
  readonly value: V;
}

/** One value for each combination of labels. */
export class Series<V> {
  readonly #names: readonly string[];
  readonly #make: (labels: Labels) => V;
  readonly #entries = new Map<string, Entry<V>>();
  /** What was asked for last: mostly it is asked for again. */
  #last: Entry<V> | undefined;

  /**
   * @param names the names of the labels
   * @param make creates the value of a new combination
   */
  constructor(names: readonly string[], make: (labels: Labels) => V) {
    this.#names = names;
    this.#make = make;
  }

  /** Returns the value of a combination; creates it at the first call. */
  of(labels: Labels): V {
    if (this.#last && this.#isAlike(labels, this.#last.labels)) return this.#last.value;
    const key = this.#keyOf(labels);
    let entry = this.#entries.get(key);
    if (!entry) {
      const own = { ...labels };
      this.#entries.set(key, entry = { labels: own, value: this.#make(own) });
    }
    this.#last = entry;
    return entry.value;
  }

  *values(): Iterable<V> {
    for (const { value } of this.#entries.values()) yield value;
  }

  #isAlike(one: Labels, other: Labels): boolean {
    for (const name of this.#names) if (one[name] !== other[name]) return false;
    return true;
  }

  #keyOf(labels: Labels): string {
    const names = this.#names;
    if (names.length === 0) return "";
    let key = labels[names[0]!]!;
    for (let at = 1; at < names.length; at++) key += `\u0000${labels[names[at]!]}`;
    return key;
  }
}

/** The buckets of one histogram, in the form that prom-client exposes. */
export class Buckets {
  readonly #bounds: readonly number[];
  readonly #labels: Labels;
  readonly #counts: Float64Array;
  #sum = 0;

  /** @param bounds upper bounds of the buckets, inclusive, in ascending order */
  constructor(bounds: readonly number[], labels: Labels) {
    this.#bounds = bounds;
    this.#labels = labels;
    this.#counts = new Float64Array(bounds.length + 1);
  }

  observe(value: number): void {
    let at = 0;
    while (at < this.#bounds.length && value > this.#bounds[at]!) at++;
    this.#counts[at]!++;
    this.#sum += value;
  }

  /** Returns the samples of the histogram; the counts of its buckets are cumulative. */
  lines(name: string) {
    const labels = this.#labels;
    let count = 0;
    const buckets = [...this.#bounds, "+Inf"].map((le, at) => ({
      metricName: `${name}_bucket`,
      labels: { le, ...labels },
      value: count += this.#counts[at]!,
    }));
    return [
      ...buckets,
      { metricName: `${name}_sum`, labels, value: this.#sum },
      { metricName: `${name}_count`, labels, value: count },
    ];
  }
}
