/** Judges the way to the service: the proxy in front, and the nodes behind it. */

import type { Facts, NodeProbe, ProxyFacts, StreamFacts } from "../facts.ts";
import { error, type Finding, warning } from "../finding.ts";

/** What a connection may be silent for beyond the ping interval. */
const SLACK_MS = 5_000;

/** Checks the proxy and compares the nodes. */
export function checkNetwork({ proxy, nodes }: Facts): readonly Finding[] {
  return [...proxy ? proxyFindings(proxy) : [], ...nodeFindings(nodes)];
}

function proxyFindings(facts: ProxyFacts): readonly Finding[] {
  const { address, fault, ownOrigin, otherOrigin, upgrades = {}, pingIntervalMs, idle } = facts;
  if (fault !== undefined) {
    return [warning("service_unreachable", `${address} does not answer: ${fault}`, {
      do:
        "Start the service, or name it by --url or CARILLON_URL; the checks of a running service " +
        "were left out",
    })];
  }
  const found: Finding[] = [];
  if (ownOrigin === 403) {
    found.push(error("proxy_changes_host", `${address} refuses the origin of its own pages`, {
      do: "Have the proxy pass Host as the browser sent it: proxy_set_header Host $http_host in " +
        "nginx; or list the origin in io.carillon.websocket.allowedOrigins",
    }));
  }
  if (otherOrigin?.status === 403) {
    found.push(error("origin_refused", `Sockets of pages of ${otherOrigin.origin} are refused`, {
      do: `Add ${otherOrigin.origin} to io.carillon.websocket.allowedOrigins`,
    }));
  }
  const dropped = Object.entries(upgrades).filter(([, status]) => status !== 101);
  // A refused origin says nothing about upgrades.
  if (dropped.length > 0 && ownOrigin !== 403) {
    const where = dropped.map(([path, status]) => `${path} with ${status}`).join(", ");
    found.push(error(
      "proxy_drops_upgrade",
      `${address} answers WebSocket handshakes at ${where} instead of 101`,
      {
        do:
          "Have the proxy pass Upgrade and Connection below /socket.io/ and at /v1/socket, over " +
          "HTTP/1.1: see deploy/nginx.conf",
      },
    ));
  }
  if (typeof idle === "number") {
    const needed = ((pingIntervalMs ?? 25_000) + SLACK_MS) / 1000;
    found.push(error(
      "proxy_closes_idle",
      `${address} closes a silent socket after ${(idle / 1000).toFixed(1)} s, before the next ping`,
      {
        do: `Let connections below /socket.io/ be silent for ${needed} s at least: ` +
          "proxy_read_timeout in nginx, timeout tunnel in HAProxy; or lower " +
          "io.carillon.websocket.pingInterval",
      },
    ));
  }
  return [...found, ...facts.stream ? streamFindings(address, facts.stream) : []];
}

function streamFindings(address: string, stream: StreamFacts): readonly Finding[] {
  if (stream.kind === "sound") return [];
  const within = `${(stream.withinMs / 1000).toFixed(1)} s`;
  if (stream.kind === "closed") {
    return [
      error("proxy_closes_idle", `${address}/v1/stream ends within ${within} of silence`, {
        do:
          "Let answers be silent for longer than the ping interval: proxy_read_timeout in nginx, " +
          "timeout server in HAProxy; or lower io.carillon.websocket.pingInterval",
      }),
    ];
  }
  const what = stream.what === "ready" ? "its first event" : "what follows the first event";
  return [
    error("proxy_buffers_stream", `${address}/v1/stream: ${what} did not come within ${within}`, {
      do: "Have the proxy pass on what it gets at once: proxy_buffering off in nginx, without " +
        "proxy_ignore_headers X-Accel-Buffering; no compression; flushpackets=on in Apache. " +
        "docs/receiving.md shows it by hand",
    }),
  ];
}

function nodeFindings(nodes: readonly NodeProbe[]): readonly Finding[] {
  const found: Finding[] = [];
  for (const { address, fault, ready, failing = [] } of nodes) {
    if (fault !== undefined) {
      found.push(error("node_unreachable", `${address}: ${fault}`, {
        do: "Start the node, or let this machine through to it; with 401 or 403 set CARILLON_KEY " +
          "to a key of scope admin",
      }));
    } else if (ready === false) {
      const why = failing.length > 0 ? `: ${failing.join("; ")}` : "";
      found.push(error("node_not_ready", `${address} takes no traffic${why}`, {
        do: "See the node's log; /readyz with a key of scope read says more",
      }));
    }
  }
  const differ = (field: "version" | "store") => {
    const known = nodes.filter((node) => node[field] !== undefined);
    return new Set(known.map((node) => node[field])).size > 1
      ? known.map((node) => `${node.address}: ${node[field]}`).join(", ")
      : undefined;
  };
  const stores = differ("store");
  if (stores !== undefined) {
    found.push(error("node_stores_differ", `The nodes are on different stores (${stores})`, {
      do: "Give all nodes the same CARILLON_STORE, a Redis: what one accepts, the others never see",
    }));
  }
  const versions = differ("version");
  if (versions !== undefined) {
    found.push(
      warning("node_versions_differ", `The nodes are of different versions (${versions})`, {
        do: "Finish the deploy: versions side by side are meant for as long as one takes",
      }),
    );
  }
  return found;
}
