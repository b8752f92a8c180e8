/** Counters and histograms that count outside prom-client and give it their values at a scrape. */

import { Counter, type Metric } from "prom-client";
import { type Buckets, Series } from "./_series.ts";

/** Registers a counter; returns the increments that it has not yet received. */
export function countersOf(
  base: ConstructorParameters<typeof Counter>[0],
): Series<{ add: number }> {
  const series = new Series(base.labelNames ?? [], (labels) => ({ labels, add: 0 }));
  new Counter({
    ...base,
    collect() {
      for (const entry of series.values()) {
        this.inc(entry.labels, entry.add);
        entry.add = 0;
      }
    },
  });
  return series;
}

/** Returns as much of a metric as the registry needs to expose a histogram. */
export function histogramOf(
  { name, help }: { readonly name: string; readonly help: string },
  series: Series<Buckets>,
): Metric {
  const get = () => {
    const values = [...series.values()].flatMap((buckets) => buckets.lines(name));
    return Promise.resolve({ name, help, type: "histogram", values });
  };
  return { name, get } as unknown as Metric;
}
