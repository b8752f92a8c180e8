/** Waits after a run until nothing is in progress, and reads the ledger. */

import { setTimeout as sleep } from "node:timers/promises";
import type { Api } from "../tests/support/api.ts";
import { until } from "../tests/support/until.ts";
import type { Client } from "./client.ts";
import type { Entry, Publication } from "./run_record.ts";

const AT_ONCE = 32;
const BACK_WITHIN_MS = 60_000;
const FINAL_WITHIN_MS = 60_000;
/** The run is over when nothing arrives for this long. */
const QUIET_FOR_MS = 2_000;

interface SettleOptions {
  readonly clients: readonly Client[];
  readonly publications: readonly Publication[];
  readonly onProgress: (line: string) => void;
}

/**
 * Returns the ledger's record of every notification. Notifications that do not become final in time
 * are left to the assessment.
 */
export async function settle(
  nodes: readonly Api[],
  { clients, publications, onProgress }: SettleOptions,
): Promise<ReadonlyMap<string, Entry>> {
  await waitFor("all clients are connected", () => clients.every(({ isConnected }) => isConnected));
  const ledger = new Map<string, Entry>();
  const deadline = performance.now() + FINAL_WITHIN_MS;
  let open = publications.map(({ id }) => id);
  for (let round = 0; open.length > 0 && (round === 0 || performance.now() < deadline); round++) {
    if (round > 0) await sleep(500);
    const found = await lookUp(nodes[round % nodes.length]!, open);
    for (const [id, entry] of found) ledger.set(id, entry);
    open = open.filter((id) => isOpen(ledger.get(id)));
  }
  let count = -1;
  let since = performance.now();
  await waitFor("nothing arrives any more", () => {
    const arrived = clients.reduce((sum, client) => sum + client.count, 0);
    if (arrived !== count) since = performance.now();
    count = arrived;
    return performance.now() - since > QUIET_FOR_MS;
  });
  return ledger;

  async function waitFor(what: string, look: () => boolean): Promise<void> {
    try {
      await until(what, look, BACK_WITHIN_MS);
    } catch {
      onProgress(`stopped waiting: ${what}`);
    }
  }
}

async function lookUp(node: Api, ids: readonly string[]): Promise<ReadonlyMap<string, Entry>> {
  const found = new Map<string, Entry>();
  const queue = [...ids];
  await Promise.all(Array.from({ length: AT_ONCE }, async () => {
    for (let id = queue.pop(); id !== undefined; id = queue.pop()) {
      const { status, body } = await node.call("GET", `/v1/notifications/${id}`);
      if (status === 200) {
        const { state, reason = statesOf(body.targets), mergedInto } = body;
        found.set(id, { state, reason, mergedInto });
      } else found.set(id, { reason: `${status} ${body?.code ?? ""}` });
    }
  }));
  return found;
}

/** The states at its targets, where they say more than the notification's own state. */
function statesOf(targets: readonly { readonly state: string }[]): string {
  return [...new Set(targets.map(({ state }) => state))].sort().join(" and ");
}

/** Whether a notification is unknown yet, or not final. */
function isOpen(entry: Entry | undefined): boolean {
  return entry?.state === undefined || entry.state === "in_flight";
}
