/** Reads the text exposition format of Prometheus, as far as this service writes it. Pure. */

/** One time series at one moment. */
interface Sample {
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

/** Name → its series. */
export type MetricsText = ReadonlyMap<string, readonly Sample[]>;

const LINE = /^([a-zA-Z_:][\w:]*)(?:\{(.*)\})? (\S+)/;
const LABEL = /(\w+)="((?:[^"\\]|\\.)*)"/g;

/** Parses a page of metrics. */
export function readMetrics(text: string): MetricsText {
  const found = new Map<string, Sample[]>();
  for (const line of text.split("\n")) {
    const [, name, labels = "", value] = LINE.exec(line) ?? [];
    if (name === undefined) continue;
    const series = found.get(name) ?? [];
    found.set(name, series);
    series.push({ labels: readLabels(labels), value: Number(value) });
  }
  return found;
}

/** The sum of all series of a name that have these labels. */
export function sumOf(
  metrics: MetricsText,
  name: string,
  labels: Readonly<Record<string, string>> = {},
): number {
  return (metrics.get(name) ?? [])
    .filter((sample) =>
      Object.entries(labels).every(([label, value]) => sample.labels[label] === value)
    )
    .reduce((sum, { value }) => sum + value, 0);
}

function readLabels(text: string): Readonly<Record<string, string>> {
  return Object.fromEntries([...text.matchAll(LABEL)].map(([, name, value]) => [
    name!,
    value!.replace(/\\(.)/g, (_, escaped: string) => escaped === "n" ? "\n" : escaped),
  ]));
}
