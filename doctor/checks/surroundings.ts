/** Judges what is around the service: clocks, limits of the process, and what the traffic shows. */

import type { Facts } from "../facts.ts";
import { error, type Finding, warning } from "../finding.ts";
import { type MetricsText, sumOf } from "../prometheus_text.ts";

/** Apple takes a token for an hour, Google for one in ten minutes of skew; JWTs here less. */
const MAX_SKEW_MS = 30_000;
/** Below this, a thousand sockets and their providers do not fit. */
const MIN_OPEN_FILES = 4_096;
/** Of so many answers at least. */
const MIN_ANSWERS = 20;

/** Checks clocks, the process and the metrics. */
export function checkSurroundings({ clocks, process, metrics }: Facts): readonly Finding[] {
  return [
    ...clocks.filter(({ aheadMs, withinMs }) => Math.abs(aheadMs) - withinMs > MAX_SKEW_MS)
      .map(({ whose, aheadMs }) => {
        const seconds = Math.round(Math.abs(aheadMs) / 1000);
        const relation = aheadMs > 0 ? "behind" : "ahead of";
        return error(
          "clock_skew",
          `This machine's clock is ${seconds} s ${relation} that of ${whose}`,
          {
            do:
              "Run a time service (systemd-timesyncd or chrony) on both: tokens for providers are " +
              "refused, and sessions end too early or too late",
          },
        );
      }),
    ...process !== undefined && process.openFiles < MIN_OPEN_FILES
      ? [warning("open_files_low", `The process may open ${process.openFiles} files`, {
        do: "Each socket is a file: LimitNOFILE=200000 in the unit, or ulimit -n before the start",
      })]
      : [],
    ...metrics === undefined ? [] : trafficFindings(metrics),
  ];
}

function trafficFindings(metrics: MetricsText): readonly Finding[] {
  const outcomes = metrics.get("carillon_outcomes_total") ?? [];
  const clients = new Map(
    outcomes.map(({ labels: { transport = "", client = "" } }) =>
      [`${transport} ${client}`, { transport, client }] as const
    ),
  );
  const found: Finding[] = [];
  for (const labels of clients.values()) {
    const count = (outcome: string) =>
      sumOf(metrics, "carillon_outcomes_total", { ...labels, outcome });
    const sent = count("sent");
    // Before a first acceptance, tokens of the other environment are refused and not taken for dead.
    const refused = count("gone") + count("rejected") + count("dead");
    const whose = `${labels.transport} client '${labels.client}'`;
    if (refused + sent >= MIN_ANSWERS && refused > sent) {
      found.push(error(
        "addresses_mostly_refused",
        `${whose}: the provider refused ${refused} of ${refused + sent} messages`,
        {
          do: labels.transport === "apn"
            ? "The tokens are of the other environment: tokens of development builds belong to the " +
              "sandbox. Set 'production' of the entry to what the app is built for"
            : "The addresses belong to another project or key: compare it with what the app uses",
        },
      ));
    }
    if (sumOf(metrics, "carillon_provider_breaker_open", labels) > 0) {
      found.push(warning("breaker_open", `${whose}: the circuit breaker holds messages back`, {
        do: "Read the log for the reason, and run the doctor with --dry-run",
      }));
    }
  }
  return found;
}
