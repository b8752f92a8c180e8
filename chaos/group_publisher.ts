/**
 * A publisher to a group that all users of the run are members of, among many without a client, so
 * that a notification is accepted in several pages and some failures come amid them.
 */

import { setTimeout as sleep } from "node:timers/promises";
import type { Api } from "../tests/support/api.ts";
import { Requests } from "./_requests.ts";
import { TOPICS } from "./publisher.ts";
import type { Answer } from "./run_record.ts";

interface GroupPublisherOptions {
  /** Host and port. */
  readonly address: string;
  readonly key: string;
  /** Returns the next number of the run. */
  readonly next: () => number;
  readonly random: () => number;
  /** Milliseconds since the run began. */
  readonly now: () => number;
}

/** A notification to the group that was answered with 202. */
export interface ToGroup {
  readonly n: number;
  readonly id: string;
  readonly sentAt: number;
}

const GROUP = "everybody";
/** From one notification to the next, on average. */
const EVERY_MS = 2_000;
const SOON_MS = 1_000;
/** Makes a page about 250 users. */
const PADDING = "x".repeat(1_500);

/** Makes a group of users who have clients and of others, evenly mixed in the order of names. */
export async function createGroup(
  node: Api,
  { users, members }: { readonly users: number; readonly members: number },
): Promise<void> {
  const names = Array.from({ length: members }, (_, n) => {
    const [user, turn] = [n % users, Math.floor(n / users)];
    return turn === 0 ? String(user) : `${user}-${turn}`;
  });
  const path = `/v1/groups/1/${GROUP}/members`;
  const { status, text } = await node.call("POST", path, { body: { users: names } });
  if (status !== 204) throw new Error(`Cannot make the group: ${status} ${text}`);
}

/** Publishes to the group from time to time. */
export class GroupPublisher {
  readonly accepted: ToGroup[] = [];
  neverAccepted = 0;
  readonly #options: GroupPublisherOptions;
  readonly #requests: Requests;
  /** Ends the pause before the next one. */
  #begin = () => {};
  #next = Promise.withResolvers<void>();

  constructor(options: GroupPublisherOptions) {
    this.#options = options;
    this.#requests = new Requests({ ...options, name: "group" });
  }

  get answers(): readonly Answer[] {
    return this.#requests.answers;
  }

  /** Publishes now. Resolves once that is accepted, or soon where it cannot be. */
  async publishNow(): Promise<void> {
    const { promise } = this.#next;
    this.#begin();
    await Promise.race([promise, sleep(SOON_MS)]);
  }

  /** Publishes until it is stopped and everything begun is accepted. */
  async run(stop: AbortSignal): Promise<void> {
    const { next, random } = this.#options;
    while (!stop.aborted) {
      const n = next();
      const accepted = await this.#requests.accept({
        ...{ context: "1", audience: { kind: "group", group: GROUP }, topic: TOPICS[0] },
        data: { n, padding: PADDING },
      }, stop);
      if (accepted) this.accepted.push({ n, id: accepted.ids[0]!, sentAt: accepted.sentAt });
      else this.neverAccepted++;
      this.#next.resolve();
      this.#next = Promise.withResolvers();
      const begun = new Promise<void>((resolve) => this.#begin = resolve);
      await Promise.race([begun, sleep(EVERY_MS * (.5 + random()))]);
    }
    this.#requests.close();
  }
}
