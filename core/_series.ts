/**
 * The figures of one metric between two scrapes, kept so that adding to one costs a look-up:
 * prom-client, which exposes them, is much slower at that, and notifications add several each.
 */

/** Values of a metric's labels. */
export type Labels = Readonly<Record<string, string>>;

/** One value for each combination of labels. */
export class Series<V> {
  readonly #names: readonly string[];
  readonly #make: (labels: Labels) => V;
  readonly #values = new Map<string, V>();

  /** @param names of the labels */
  constructor(names: readonly string[], make: (labels: Labels) => V) {
    this.#names = names;
    this.#make = make;
  }

  of(labels: Labels): V {
    const key = this.#keyOf(labels);
    let value = this.#values.get(key);
    if (value === undefined) this.#values.set(key, value = this.#make({ ...labels }));
    return value;
  }

  values(): Iterable<V> {
    return this.#values.values();
  }

  #keyOf(labels: Labels): string {
    const names = this.#names;
    if (names.length === 0) return "";
    let key = labels[names[0]!]!;
    for (let at = 1; at < names.length; at++) key += `\u0000${labels[names[at]!]}`;
    return key;
  }
}

/** Measurements by the bound that each is not above, in the form that prom-client exposes. */
export class Buckets {
  readonly #bounds: readonly number[];
  readonly #labels: Labels;
  readonly #counts: Float64Array;
  #sum = 0;

  /** @param bounds rising */
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

  /** The lines of a histogram: each bucket has all that the ones before it have. */
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
