/** The page "Now": what all nodes do. Its content is rendered again for each tick of the live data. */

import type { NodeReport } from "../core/node_report.ts";
import { Layout, Notice } from "./_layout.tsx";
import { Chart } from "./_chart.tsx";
import type { LiveState } from "./live.ts";
import { Table } from "./_table.tsx";
import { Code, durationText, Shown, State, Time } from "./_text.tsx";

/** The page. */
export function NowPage({ state }: { readonly state: LiveState | undefined }) {
  return (
    <Layout title="Now" path="/console" script="now.js">
      {state
        ? (
          <>
            <p id="live-state" class="notice error" role="status"></p>
            <div id="live">
              <NowContent state={state} />
            </div>
          </>
        )
        : <Notice>The overview covers all contexts: sign in with a key for all of them.</Notice>}
    </Layout>
  );
}

/** What changes with each tick. */
export function NowContent({ state: { reports, samples } }: { readonly state: LiveState }) {
  const total = (of: (report: NodeReport) => number) =>
    reports.reduce((sum, report) => sum + of(report), 0);
  // On several nodes the buffer is shared, so each reports the same depth.
  const waiting = Math.max(0, ...reports.map(({ buffer }) => buffer.waiting));
  const inFlight = Math.max(0, ...reports.map(({ buffer }) => buffer.inFlight));
  const oldest = Math.max(
    -1,
    ...reports.flatMap(({ queues }) => queues.map(({ oldestMs = -1 }) => oldestMs)),
  );
  return (
    <>
      <dl class="tiles">
        <Tile name="Nodes" value={reports.length} />
        <Tile name="Sockets" value={total(({ sockets }) => sumOf(Object.values(sockets)))} />
        <Tile name="In flight" value={inFlight} />
        <Tile name="Waiting to be merged" value={waiting} />
        <Tile name="Retries waiting" value={total(({ retriesWaiting }) => retriesWaiting)} />
        <Tile name="Oldest in a queue" value={oldest < 0 ? "none" : durationText(oldest)} />
      </dl>
      <h2>Notifications a second</h2>
      <Chart
        samples={samples}
        what="Notifications"
        lines={["accepted", "delivered", "dead"]}
      />
      <h2>Outcomes at targets a second</h2>
      <Chart samples={samples} what="Outcomes" lines={["sent", "retrying", "failed"]} />
      <h2>Nodes</h2>
      <Table
        caption="Nodes"
        rows={reports.map(({ node, address, ready, failed, startedAt, sockets, version }) => ({
          Node: <Code text={node} />,
          Address: <Code text={address} />,
          State: (
            <State
              of={ready ? "ready" : "not ready"}
              reason={failed.length > 0 ? failed.join(", ") : undefined}
            />
          ),
          Started: startedAt === undefined
            ? "not known"
            : <Time at={new Date(startedAt).toISOString()} />,
          Sockets: sumOf(Object.values(sockets)),
          Version: version,
        }))}
      />
      <h2>Sockets by client</h2>
      <Counts
        columns={["Client"]}
        counts={sums(reports.map(({ sockets }) => sockets))}
        none="No socket is open."
      />
      <h2>Provider queues</h2>
      <Queues reports={reports} />
      <h2>Settled notifications since the start</h2>
      <Counts
        columns={["State"]}
        counts={sums(reports.map(({ settled }) => settled))}
        none="No notification has been settled."
      />
      <h2>Outcomes since the start</h2>
      <Counts
        columns={["Transport", "Client", "Outcome"]}
        counts={sums(reports.map(outcomesByName))}
        none="Nothing has been sent."
      />
    </>
  );
}

function Tile({ name, value }: { readonly name: string; readonly value: number | string }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd>{typeof value === "number" ? value.toLocaleString("en") : value}</dd>
    </div>
  );
}

/** Counters by their names, whose parts are in one column each. */
function Counts(
  { columns, counts, none }: {
    readonly columns: readonly string[];
    readonly counts: ReadonlyMap<string, number>;
    readonly none: string;
  },
) {
  if (counts.size === 0) return <p>{none}</p>;
  const rows = [...counts].map(([name, count]) => {
    const parts = name.split(SEPARATOR);
    const named = columns.map((column, at) => [column, <Shown key={column} text={parts[at]} />]);
    return { ...Object.fromEntries(named), Number: count };
  });
  return <Table caption={`Numbers by ${columns.join(", ").toLowerCase()}`} rows={rows} />;
}

function Queues({ reports }: { readonly reports: readonly NodeReport[] }) {
  const rows = reports.flatMap(({ node, queues }) =>
    queues.map(({ transport, client, inFlight, waiting, oldestMs, breaker, reason }) => ({
      Transport: transport,
      Client: <Shown text={client} />,
      Node: <Code text={node} />,
      "In flight": inFlight,
      Waiting: waiting,
      Oldest: oldestMs === undefined ? "none" : durationText(oldestMs),
      Breaker: <State of={breaker} tone={breaker === "open" ? "bad" : undefined} reason={reason} />,
    }))
  );
  return rows.length === 0
    ? <p>No provider has been called yet.</p>
    : <Table caption="Provider queues" rows={rows} />;
}

const SEPARATOR = "\u0000";

function outcomesByName({ outcomes }: NodeReport): Readonly<Record<string, number>> {
  return Object.fromEntries(
    outcomes.map(({ transport, client, outcome, count }) => [
      [transport, client, outcome].join(SEPARATOR),
      count,
    ]),
  );
}

function sums(all: readonly Readonly<Record<string, number>>[]): ReadonlyMap<string, number> {
  const sums = new Map<string, number>();
  for (const [name, count] of all.flatMap((each) => Object.entries(each))) {
    sums.set(name, (sums.get(name) ?? 0) + count);
  }
  return sums;
}

function sumOf(numbers: readonly number[]): number {
  return numbers.reduce((sum, each) => sum + each, 0);
}
