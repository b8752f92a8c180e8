/** Draws rates over time as a picture that needs no scripts and no inline styles. */

import { LIVE_WINDOW_MS, type LiveSample } from "./live.ts";

const WIDTH = 600;
const HEIGHT = 120;

/** A counter of the samples. */
type Counter = Exclude<keyof LiveSample, "at">;

/** Shows how fast some counters rose. */
export function Chart(
  { samples, what, lines }: {
    readonly samples: readonly LiveSample[];
    /** What is counted. */
    readonly what: string;
    readonly lines: readonly Counter[];
  },
) {
  const rates = ratesOf(samples, lines);
  const last = rates.at(-1);
  if (!last) return <p>The chart begins with the second reading, about two seconds from now.</p>;
  const highest = Math.max(...rates.flatMap((rate) => lines.map((line) => rate[line]!)));
  const x = (at: number) => Math.round(WIDTH * Math.max(0, 1 - (last.to - at) / LIVE_WINDOW_MS));
  const y = (rate: number) => Math.round((HEIGHT - 4) * (1 - rate / Math.max(1, highest))) + 2;
  const summary = lines.map((line) => `${line} ${last[line]!.toFixed(1)}`).join(", ");
  return (
    <figure class="chart">
      <svg
        viewBox={`0 0 ${WIDTH} ${HEIGHT}`}
        role="img"
        aria-label={`${what} a second: ${summary}`}
        preserveAspectRatio="none"
      >
        {lines.map((line) => (
          <polyline
            key={line}
            class={`line-${line}`}
            points={rates.map((rate) =>
              `${x(rate.from)},${y(rate[line]!)} ${x(rate.to)},${y(rate[line]!)}`
            ).join(" ")}
          />
        ))}
      </svg>
      <figcaption>
        {lines.map((line) => (
          <span key={line} class={`key-${line}`}>{line} {last[line]!.toFixed(1)}/s</span>
        ))}
        <span>highest {highest.toFixed(1)}/s</span>
        <span>the last four minutes; where nobody looked, the mean</span>
      </figcaption>
    </figure>
  );
}

/** The rates between two samples. */
type Rate = Readonly<Partial<Record<Counter, number>>> & {
  /** Epoch milliseconds. */
  readonly from: number;
  readonly to: number;
};

function ratesOf(samples: readonly LiveSample[], lines: readonly Counter[]): readonly Rate[] {
  return samples.slice(1).map((sample, at): Rate => {
    const before = samples[at]!;
    const seconds = Math.max(0.001, (sample.at - before.at) / 1000);
    // A node that has gone takes its counters with it.
    const rate = (line: Counter) => Math.max(0, sample[line] - before[line]) / seconds;
    const rates = Object.fromEntries(lines.map((line) => [line, rate(line)]));
    return { ...rates, from: before.at, to: sample.at };
  });
}
