/**
 * Writes the Grafana dashboard `deploy/grafana/carillon.json` from the list below. With `--check` it
 * writes nothing and fails where the file differs.
 */

import type { METRICS } from "../core/metrics.ts";
import { writeGenerated } from "./_generated.ts";

type MetricName = keyof typeof METRICS;

const NODES = `instance=~"$instance"`;

type Query = readonly [expression: string, legend: string];
type Panel = readonly [title: string, unit: string, ...queries: readonly Query[]];

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
    [
      "Accepted and settled",
      "ops",
      [rate("carillon_notifications_accepted_total"), "accepted"],
      [rate("carillon_notifications_settled_total", "state"), "{{state}}"],
    ],
    [
      "In flight",
      "short",
      [gauge("carillon_notifications_in_flight"), "{{instance}}"],
      [gauge("carillon_retries_waiting"), "retries {{instance}}"],
    ],
    [
      "Publish and delivery, 99th percentile",
      "s",
      [p99("carillon_publish_duration_seconds"), "publish"],
      [p99("carillon_delivery_latency_seconds", "transport"), "to {{transport}}"],
    ],
    ["Outcomes", "ops", [
      rate("carillon_outcomes_total", "transport, outcome"),
      "{{transport}} {{outcome}}",
    ]],
  ],
  "Providers": [
    ["Attempts", "s", [
      p99("carillon_send_duration_seconds", "transport, client"),
      "{{transport}} {{client}}",
    ]],
    ["Breakers open", "short", [
      gauge("carillon_provider_breaker_open", "transport, client"),
      "{{transport}} {{client}}",
    ]],
    ["Dead letters", "ops", [
      rate("carillon_dead_letters_total", "transport, client"),
      "{{transport}} {{client}}",
    ]],
    ["Credentials end in", "s", [
      `min by (transport, client) (carillon_credential_expiry_seconds{${NODES}})`,
      "{{transport}} {{client}}",
    ]],
  ],
  "Sockets": [
    ["Open", "short", [gauge("carillon_sockets_open"), "{{instance}}"]],
    [
      "Refused, resynced, unknown",
      "ops",
      [rate("carillon_sockets_refused_total", "reason"), "refused: {{reason}}"],
      [rate("carillon_sockets_resynced_total"), "resync"],
      [rate("carillon_sockets_unknown_session_total"), "unknown session"],
    ],
    ["Backlog", "bytes", [gauge("carillon_socket_backlog_bytes"), "{{instance}}"]],
    ["Closing", "short", [gauge("carillon_sockets_closing"), "{{instance}}"]],
  ],
  "Nodes and store": [
    [
      "Memory",
      "bytes",
      [gauge("carillon_process_resident_bytes"), "resident {{instance}}"],
      [gauge("carillon_process_heap_bytes"), "heap {{instance}}"],
    ],
    ["Nodes that each node sees", "short", [gauge("carillon_nodes_alive"), "{{instance}}"]],
    [
      "Commits and scripts, 99th percentile",
      "s",
      [p99("carillon_buffer_log_commit_seconds"), "commit"],
      [p99("carillon_redis_script_seconds", "script"), "{{script}}"],
    ],
    ["Requests", "ops", [rate("carillon_http_requests_total", "status"), "{{status}}"]],
  ],
};

const WIDTH = 6;
const HEIGHT = 8;
const DATASOURCE = { type: "prometheus", uid: "${datasource}" };

await writeGenerated(
  "deploy/grafana/carillon.json",
  JSON.stringify(dashboard(), null, 2) + "\n",
);

function dashboard() {
  let id = 0;
  const panels = Object.entries(ROWS).flatMap(([title, row], line) => [
    {
      ...{ id: ++id, type: "row", title, collapsed: false, panels: [] },
      gridPos: { h: 1, w: 24, x: 0, y: line * (HEIGHT + 1) },
    },
    ...row.map(([title, unit, ...queries], column) => ({
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
