/** Draws rates over time as a picture that needs no scripts and no inline styles. */

import type { LiveSample } from "./live.ts";

const WIDTH = 600;
const HEIGHT = 120;
/** Ticks that fit into the picture. */
const POINTS = 120;

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
  const highest = Math.max(1, ...rates.flatMap((rate) => lines.map((line) => rate[line]!)));
  if (!last) return <p>The chart begins with the second reading, about two seconds from now.</p>;
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
            points={rates.map((rate, at) =>
              point(at + POINTS - rates.length, rate[line]! / highest)
            )
              .join(" ")}
          />
        ))}
      </svg>
      <figcaption>
        {lines.map((line) => (
          <span key={line} class={`key-${line}`}>{line} {last[line]!.toFixed(1)}/s</span>
        ))}
        <span>highest {highest.toFixed(1)}/s</span>
        <span>now is at the right, four minutes ago at the left</span>
      </figcaption>
    </figure>
  );
}

type Rate = Readonly<Partial<Record<Counter, number>>>;

function ratesOf(samples: readonly LiveSample[], lines: readonly Counter[]): readonly Rate[] {
  return samples.slice(1).map((sample, at): Rate => {
    const before = samples[at]!;
    const seconds = Math.max(0.001, (sample.at - before.at) / 1000);
    // A node that has gone takes its counters with it.
    const rate = (line: Counter) => Math.max(0, sample[line] - before[line]) / seconds;
    return Object.fromEntries(lines.map((line) => [line, rate(line)]));
  });
}

function point(at: number, share: number): string {
  const x = Math.round(at * WIDTH / POINTS);
  return `${x},${Math.round((HEIGHT - 4) * (1 - share)) + 2}`;
}
