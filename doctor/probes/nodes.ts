/** Asks nodes, past the proxy, what they are and how they are. */

import type { Clock } from "../../core/clock.ts";
import { messageOf } from "../../core/errors.ts";
import type { ClockFacts, NodeProbe } from "../facts.ts";
import { type MetricsText, readMetrics } from "../prometheus_text.ts";

/** What asking takes. */
interface NodeProbeOptions {
  /** With scope `admin`. */
  readonly key: string | undefined;
  readonly fetch: typeof globalThis.fetch;
  readonly clock: Clock;
}

/** What one node says. */
interface AskedNode {
  readonly node: NodeProbe;
  readonly clock?: ClockFacts;
  readonly metrics?: MetricsText;
}

const TIMEOUT_MS = 5_000;

/** Asks one node; a fault where it does not answer. */
export async function probeNode(address: string, options: NodeProbeOptions): Promise<AskedNode> {
  const { key, fetch, clock } = options;
  const get = (path: string) =>
    fetch(address + path, {
      headers: key === undefined ? {} : { authorization: `Bearer ${key}` },
      signal: AbortSignal.timeout(TIMEOUT_MS),
    });
  try {
    const readyz = await (await get("/readyz")).json() as Readyz;
    const failing = Object.entries(readyz.checks ?? {}).filter(([, { ok }]) => !ok)
      .map(([name, { detail }]) => detail === undefined ? name : `${name}: ${text(detail)}`);
    const node = { address, ready: readyz.ready, failing };
    if (key === undefined) return { node };
    const asked = clock.now();
    const facts = await get("/v1/admin/node");
    if (!facts.ok) {
      await facts.body?.cancel();
      const { status } = facts;
      // A version before this endpoint is one to know about, and no fault.
      return { node: status === 404 ? node : { ...node, fault: `GET /v1/admin/node: ${status}` } };
    }
    const { version, store, now } = await facts.json();
    const metrics = await get("/metrics");
    const page = metrics.ok ? await metrics.text() : await metrics.body?.cancel();
    return {
      node: { ...node, version, store },
      clock: {
        whose: address,
        aheadMs: now - (asked + clock.now()) / 2,
        withinMs: clock.now() - asked,
      },
      ...typeof page === "string" && { metrics: readMetrics(page) },
    };
  } catch (thrown) {
    return { node: { address, fault: messageOf(thrown, 200) } };
  }
}

interface Readyz {
  readonly ready: boolean;
  readonly checks?: Readonly<Record<string, { readonly ok: boolean; readonly detail?: unknown }>>;
}

function text(detail: unknown): string {
  const json = JSON.stringify(detail);
  return json.length > 300 ? `${json.slice(0, 300)}…` : json;
}
