/** The page "Now": what all nodes do. Its content is rendered again for each tick of the live data. */

import type { NodeReport, QueueReport } from "../core/node_report.ts";
import { Layout, Notice, Table } from "./_layout.tsx";
import { Chart } from "./_chart.tsx";
import type { LiveState } from "./live.ts";
import type { ConsoleSession } from "./sessions.ts";
import { Code, Shown, State } from "./_text.tsx";

/** The page. */
export function NowPage(
  { session, state }: { readonly session: ConsoleSession; readonly state: LiveState | undefined },
) {
  return (
    <Layout title="Now" path="/console" session={session} scripts={["now.js"]}>
      {state
        ? (
          <div id="live">
            <NowContent state={state} />
          </div>
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
        <Tile name="Waiting for similar ones" value={waiting} />
        <Tile name="Retries waiting" value={total(({ retriesWaiting }) => retriesWaiting)} />
        <Tile name="Oldest in a queue" value={oldest < 0 ? "none" : `${oldest} ms`} />
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
      <Table caption="Nodes" head={["Node", "Address", "State", "Sockets", "Version"]}>
        {reports.map((report) => <NodeRow key={report.node} report={report} />)}
      </Table>
      <h2>Sockets by client</h2>
      <Counts caption="Sockets by client" counts={sums(reports.map(({ sockets }) => sockets))} />
      <h2>Provider queues</h2>
      <Queues reports={reports} />
      <h2>Settled since the start</h2>
      <Counts
        caption="Settled notifications by state"
        counts={sums(reports.map(({ settled }) => settled))}
      />
      <h2>Outcomes since the start</h2>
      <Outcomes reports={reports} />
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

function NodeRow({ report }: { readonly report: NodeReport }) {
  const { node, address, ready, failed, sockets, version } = report;
  return (
    <tr>
      <td>
        <Code text={node} />
      </td>
      <td>
        <Code text={address} />
      </td>
      <td>
        <State of={ready ? "ready" : "not ready"} />
        {failed.length > 0 && <Shown text={` ${failed.join(", ")}`} />}
      </td>
      <td>{sumOf(Object.values(sockets))}</td>
      <td>{version}</td>
    </tr>
  );
}

function Counts(
  { caption, counts }: { readonly caption: string; readonly counts: ReadonlyMap<string, number> },
) {
  if (counts.size === 0) return <p>None.</p>;
  return (
    <Table caption={caption} head={["Name", "Number"]}>
      {[...counts].map(([name, count]) => (
        <tr key={name}>
          <td>
            <Shown text={name} />
          </td>
          <td>{count.toLocaleString("en")}</td>
        </tr>
      ))}
    </Table>
  );
}

function Queues({ reports }: { readonly reports: readonly NodeReport[] }) {
  const rows = reports.flatMap(({ node, queues }) => queues.map((queue) => ({ node, queue })));
  if (rows.length === 0) return <p>No provider has been called yet.</p>;
  return (
    <Table
      caption="Provider queues"
      head={["Transport", "Client", "Node", "In flight", "Waiting", "Oldest", "Breaker"]}
    >
      {rows.map(({ node, queue }) => (
        <QueueRow key={`${node} ${queue.transport} ${queue.client}`} node={node} queue={queue} />
      ))}
    </Table>
  );
}

function QueueRow({ node, queue }: { readonly node: string; readonly queue: QueueReport }) {
  const { transport, client, inFlight, waiting, oldestMs, breaker, reason } = queue;
  return (
    <tr>
      <td>{transport}</td>
      <td>
        <Shown text={client} />
      </td>
      <td>
        <Code text={node} />
      </td>
      <td>{inFlight}</td>
      <td>{waiting}</td>
      <td>{oldestMs === undefined ? "none" : `${oldestMs} ms`}</td>
      <td>
        <State of={breaker} /> {reason !== undefined && <Shown text={reason} />}
      </td>
    </tr>
  );
}

function Outcomes({ reports }: { readonly reports: readonly NodeReport[] }) {
  const counts = new Map<string, number>();
  for (const { transport, client, outcome, count } of reports.flatMap((each) => each.outcomes)) {
    const name = `${transport} · ${client} · ${outcome}`;
    counts.set(name, (counts.get(name) ?? 0) + count);
  }
  return <Counts caption="Outcomes by transport, client and outcome" counts={counts} />;
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
