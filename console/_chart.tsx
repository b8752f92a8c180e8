/** Draws rates over time as a picture that needs no scripts and no inline styles. */

import type { LiveSample } from "./live.ts";

const WIDTH = 600;
const HEIGHT = 120;
/** Ticks that fit into the picture. */
const POINTS = 120;
const LINES = ["accepted", "delivered", "dead"] as const;

/** Shows how many notifications a second were accepted, delivered and given up. */
export function Chart({ samples }: { readonly samples: readonly LiveSample[] }) {
  const rates = ratesOf(samples);
  const last = rates.at(-1);
  const highest = Math.max(1, ...rates.flatMap((rate) => LINES.map((line) => rate[line])));
  if (!last) return <p>The chart begins with the second reading, about two seconds from now.</p>;
  const summary = LINES.map((line) => `${line} ${last[line].toFixed(1)}`).join(", ");
  return (
    <figure class="chart">
      <svg
        viewBox={`0 0 ${WIDTH} ${HEIGHT}`}
        role="img"
        aria-label={`Notifications a second: ${summary}`}
        preserveAspectRatio="none"
      >
        {LINES.map((line) => (
          <polyline
            key={line}
            class={`line-${line}`}
            points={rates.map((rate, at) => point(at, rate[line] / highest)).join(" ")}
          />
        ))}
      </svg>
      <figcaption>
        {LINES.map((line) => (
          <span key={line} class={`key-${line}`}>{line} {last[line].toFixed(1)}/s</span>
        ))}
        <span>highest {highest.toFixed(1)}/s</span>
      </figcaption>
    </figure>
  );
}

type Rate = Readonly<Record<typeof LINES[number], number>>;

function ratesOf(samples: readonly LiveSample[]): readonly Rate[] {
  return samples.slice(1).map((sample, at): Rate => {
    const before = samples[at]!;
    const seconds = Math.max(0.001, (sample.at - before.at) / 1000);
    // A node that has gone takes its counters with it.
    const rate = (line: typeof LINES[number]) => Math.max(0, sample[line] - before[line]) / seconds;
    return { accepted: rate("accepted"), delivered: rate("delivered"), dead: rate("dead") };
  });
}

function point(at: number, share: number): string {
  const x = Math.round(at * WIDTH / POINTS);
  return `${x},${Math.round((HEIGHT - 4) * (1 - share)) + 2}`;
}
