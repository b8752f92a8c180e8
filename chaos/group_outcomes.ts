/** Reads, after a run, what became of notifications to a group: of each member, and how often. */

import { setTimeout as sleep } from "node:timers/promises";
import type { Api } from "../tests/support/api.ts";
import type { ToGroup } from "./group_publisher.ts";
import type { GroupOutcome, Publication } from "./run_record.ts";

interface GroupOutcomesOptions {
  readonly toGroup: readonly ToGroup[];
  readonly members: number;
  /** Epoch milliseconds at which the run began. */
  readonly begunAt: number;
  readonly onProgress: (line: string) => void;
}

/** One item of `GET /v1/notifications/{id}/users`. */
interface Item {
  readonly user: string;
  /** Absent until it is accepted. */
  readonly id?: string;
  readonly state?: string;
  readonly acceptedAt?: string;
}

/** A node that is killed keeps the job of a notification to many for half a minute on Redis. */
const FINAL_WITHIN_MS = 90_000;
/** The users who have clients: the others are only there to be many. */
const WITH_CLIENTS = /^\d+$/;

/**
 * Waits until every member has an outcome. Returns the outcomes of each notification, also where
 * that takes too long, and its parts for users who have clients.
 */
export async function groupOutcomes(
  nodes: readonly Api[],
  { toGroup, members, begunAt, onProgress }: GroupOutcomesOptions,
): Promise<{ readonly outcomes: readonly GroupOutcome[]; readonly parts: readonly Publication[] }> {
  const deadline = performance.now() + FINAL_WITHIN_MS;
  const outcomes: GroupOutcome[] = [];
  const parts: Publication[] = [];
  for (const [at, { n, id, sentAt }] of toGroup.entries()) {
    for (let round = 0;; round++) {
      const items = await read(nodes[(at + round) % nodes.length]!, id);
      const outcome = outcomeOf(items, { n, id, members });
      const isFinal = outcome.reached === members && outcome.open === 0;
      if (!isFinal && performance.now() < deadline) {
        if (round === 0) onProgress(`waiting for ${id}: ${outcome.reached} of ${members} members`);
        await sleep(1_000);
        continue;
      }
      outcomes.push(outcome);
      for (const { user, id, acceptedAt } of items) {
        if (id === undefined || !WITH_CLIENTS.test(user)) continue;
        const accepted = acceptedAt === undefined ? sentAt : Date.parse(acceptedAt) - begunAt;
        parts.push({ n, id, user: Number(user), sentAt, acceptedAt: accepted });
      }
      break;
    }
  }
  return { outcomes, parts };
}

/** Counts the members of the group in the pages of a notification to it. */
export function outcomeOf(
  items: readonly Item[],
  { n, id, members }: Pick<GroupOutcome, "n" | "id" | "members">,
): GroupOutcome {
  const accepted = items.filter((item) => item.id !== undefined);
  const reached = new Set(accepted.map(({ user }) => user)).size;
  return {
    ...{ n, id, members, reached, repeated: accepted.length - reached },
    open: accepted.filter(({ state = "in_flight" }) => state === "in_flight").length,
  };
}

/** Reads all pages; what cannot be read is missing. */
async function read(node: Api, id: string): Promise<readonly Item[]> {
  const items: Item[] = [];
  for (let cursor: number | undefined = 0; cursor !== undefined;) {
    const path: string = `/v1/notifications/${id}/users?cursor=${cursor}`;
    const { status, body } = await node.call("GET", path);
    if (status !== 200) break;
    items.push(...body.items);
    cursor = body.next;
  }
  return items;
}
