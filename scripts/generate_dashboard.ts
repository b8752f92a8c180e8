// deno-lint-ignore-file no-console -- a command answers on the terminal
/**
 * Writes the Grafana dashboard `deploy/grafana/carillon.json` from the list below. With `--check` it
 * writes nothing and fails where the file differs.
 */

import type { METRICS } from "../core/metrics.ts";
import { ROOT } from "./_project.ts";

type MetricName = keyof typeof METRICS;

const PATH = "deploy/grafana/carillon.json";
const NODES = `instance=~"$instance"`;

interface Panel {
  readonly title: string;
  readonly unit: string;
  readonly queries: readonly (readonly [expression: string, legend: string])[];
}

/** `rate` of a counter over the nodes that are chosen. */
function rate(name: MetricName, by = ""): string {
  return `sum${by && ` by (${by})`} (rate(${name}{${NODES}}[$__rate_interval]))`;
}

function p99(name: MetricName, by = ""): string {
  const labels = by === "" ? "le" : `le, ${by}`;
  return `histogram_quantile(0.99, sum by (${labels}) (rate(${name}_bucket{${NODES}}[$__rate_interval])))`;
}

function gauge(name: MetricName, by = "instance"): string {
  return `sum by (${by}) (${name}{${NODES}})`;
}

const ROWS: Readonly<Record<string, readonly Panel[]>> = {
  "Notifications": [
    {
      title: "Accepted and settled",
      unit: "ops",
      queries: [
        [rate("carillon_notifications_accepted_total"), "accepted"],
        [rate("carillon_notifications_settled_total", "state"), "{{state}}"],
      ],
    },
    {
      title: "In flight",
      unit: "short",
      queries: [
        [gauge("carillon_notifications_in_flight"), "{{instance}}"],
        [gauge("carillon_retries_waiting"), "retries {{instance}}"],
      ],
    },
    {
      title: "Publish and delivery, 99th percentile",
      unit: "s",
      queries: [
        [p99("carillon_publish_duration_seconds"), "publish"],
        [p99("carillon_delivery_latency_seconds", "transport"), "to {{transport}}"],
      ],
    },
    {
      title: "Outcomes",
      unit: "ops",
      queries: [[
        rate("carillon_outcomes_total", "transport, outcome"),
        "{{transport}} {{outcome}}",
      ]],
    },
  ],
  "Providers": [
    {
      title: "Attempts",
      unit: "s",
      queries: [[
        p99("carillon_send_duration_seconds", "transport, client"),
        "{{transport}} {{client}}",
      ]],
    },
    {
      title: "Breakers open",
      unit: "short",
      queries: [[
        gauge("carillon_provider_breaker_open", "transport, client"),
        "{{transport}} {{client}}",
      ]],
    },
    {
      title: "Dead letters",
      unit: "ops",
      queries: [[
        rate("carillon_dead_letters_total", "transport, client"),
        "{{transport}} {{client}}",
      ]],
    },
    {
      title: "Credentials end in",
      unit: "s",
      queries: [[
        `min by (transport, client) (carillon_credential_expiry_seconds{${NODES}})`,
        "{{transport}} {{client}}",
      ]],
    },
  ],
  "Sockets": [
    {
      title: "Open",
      unit: "short",
      queries: [[gauge("carillon_sockets_open"), "{{instance}}"]],
    },
    {
      title: "Refused, resynced, unknown",
      unit: "ops",
      queries: [
        [rate("carillon_sockets_refused_total", "reason"), "refused: {{reason}}"],
        [rate("carillon_sockets_resynced_total"), "resync"],
        [rate("carillon_sockets_unknown_session_total"), "unknown session"],
      ],
    },
    {
      title: "Backlog",
      unit: "bytes",
      queries: [[gauge("carillon_socket_backlog_bytes"), "{{instance}}"]],
    },
    {
      title: "Closing",
      unit: "short",
      queries: [[gauge("carillon_sockets_closing"), "{{instance}}"]],
    },
  ],
  "Nodes and store": [
    {
      title: "Memory",
      unit: "bytes",
      queries: [
        [gauge("carillon_process_resident_bytes"), "resident {{instance}}"],
        [gauge("carillon_process_heap_bytes"), "heap {{instance}}"],
      ],
    },
    {
      title: "Nodes that each node sees",
      unit: "short",
      queries: [[gauge("carillon_nodes_alive"), "{{instance}}"]],
    },
    {
      title: "Commits and scripts, 99th percentile",
      unit: "s",
      queries: [
        [p99("carillon_buffer_log_commit_seconds"), "commit"],
        [p99("carillon_redis_script_seconds", "script"), "{{script}}"],
      ],
    },
    {
      title: "Requests",
      unit: "ops",
      queries: [[rate("carillon_http_requests_total", "status"), "{{status}}"]],
    },
  ],
};

const WIDTH = 6;
const HEIGHT = 8;
const DATASOURCE = { type: "prometheus", uid: "${datasource}" };

const text = JSON.stringify(dashboard(), null, 2) + "\n";
if (Deno.args.includes("--check")) {
  if (await Deno.readTextFile(ROOT + PATH).catch(() => "") !== text) {
    console.error(`${PATH} is out of date: run 'deno task docs'`);
    Deno.exit(1);
  }
} else await Deno.writeTextFile(ROOT + PATH, text);

function dashboard() {
  let id = 0;
  const panels = Object.entries(ROWS).flatMap(([title, row], line) => [
    {
      ...{ id: ++id, type: "row", title, collapsed: false, panels: [] },
      gridPos: { h: 1, w: 24, x: 0, y: line * (HEIGHT + 1) },
    },
    ...row.map(({ title, unit, queries }, column) => ({
      ...{ id: ++id, type: "timeseries", title, datasource: DATASOURCE },
      gridPos: { h: HEIGHT, w: WIDTH, x: column * WIDTH, y: line * (HEIGHT + 1) + 1 },
      fieldConfig: { defaults: { unit, min: 0 }, overrides: [] },
      options: { legend: { displayMode: "list", placement: "bottom" }, tooltip: { mode: "multi" } },
      targets: queries.map(([expr, legendFormat], at) => ({
        ...{ refId: String.fromCharCode(65 + at), datasource: DATASOURCE, expr, legendFormat },
      })),
    })),
  ]);
  return {
    ...{ uid: "carillon", title: "Carillon", tags: ["carillon"], schemaVersion: 41, version: 1 },
    ...{ editable: true, refresh: "30s", time: { from: "now-6h", to: "now" } },
    templating: {
      list: [
        { name: "datasource", label: "Data source", type: "datasource", query: "prometheus" },
        {
          ...{ name: "instance", label: "Node", type: "query", datasource: DATASOURCE },
          query: { query: "label_values(carillon_notifications_in_flight, instance)" },
          ...{ refresh: 2, multi: true, includeAll: true, allValue: ".*" },
          current: { text: "All", value: "$__all" },
        },
      ],
    },
    panels,
  };
}
