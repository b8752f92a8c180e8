/**
 * A publisher of single notifications and batches, each request of which is repeated until it is
 * accepted. Most notifications differ from all others; some may be merged, and some name the client
 * that caused them.
 */

import { setTimeout as sleep } from "node:timers/promises";
import { Requests } from "./_requests.ts";
import type { Answer, Publication } from "./run_record.ts";

/** Topics of notifications that differ from all others, and of similar ones. */
export const TOPICS = ["chaos:plain", "chaos:similar"] as const;

interface PublisherOptions {
  readonly name: string;
  /** Host and port. */
  readonly address: string;
  readonly key: string;
  /** Users of this publisher only: of similar notifications, the newest is the one sent last. */
  readonly users: readonly number[];
  /** Names of a user's clients, which may be the source of a notification. */
  readonly clientsOf: (user: number) => readonly string[];
  /** Returns the next number of the run. */
  readonly next: () => number;
  readonly random: () => number;
  /** Milliseconds since the run began. */
  readonly now: () => number;
  /** Notifications per second. */
  readonly rate: number;
}

const MAX_BATCH = 20;
/**
 * Several megabytes for one user, more than the kernel buffers for a peer that does not read, in
 * requests below the size limit.
 */
const BURST = { requests: 5, notifications: 16, bytes: 40_000 };

interface Draft {
  readonly n: number;
  readonly user: number;
  readonly similar: boolean;
  readonly source: string | undefined;
  readonly padding: number;
}

/** Publishes at a rate and records every attempt. */
export class Publisher {
  readonly publications: Publication[] = [];
  neverAccepted = 0;
  readonly #options: PublisherOptions;
  readonly #requests: Requests;
  readonly #bursts: number[] = [];

  constructor(options: PublisherOptions) {
    this.#options = options;
    this.#requests = new Requests(options);
  }

  get answers(): readonly Answer[] {
    return this.#requests.answers;
  }

  /** Makes the next requests large ones for this user, who currently reads nothing. */
  burst(user: number): void {
    for (let request = 0; request < BURST.requests; request++) this.#bursts.push(user);
  }

  /** Publishes until it is stopped and everything begun is accepted. */
  async run(stop: AbortSignal): Promise<void> {
    const { random, rate, now } = this.#options;
    let due = now();
    while (!stop.aborted) {
      const heavy = this.#bursts.shift();
      if (heavy !== undefined) {
        await this.#publish(this.#burst(heavy), stop);
        continue;
      }
      const drafts = this.#draw();
      await this.#publish(drafts, stop);
      // Lags while nothing is accepted, and does not make up for it.
      due = Math.max(due, now() - 1000) + drafts.length / rate * 1000 * (.5 + random());
      await sleep(Math.max(0, due - now()));
    }
    this.#requests.close();
  }

  #burst(user: number): readonly Draft[] {
    return Array.from({ length: BURST.notifications }, () => ({
      ...{ n: this.#options.next(), user, similar: false, source: undefined },
      padding: BURST.bytes,
    }));
  }

  #draw(): readonly Draft[] {
    const { random, users, clientsOf, next } = this.#options;
    const count = random() < .5 ? 1 : 1 + Math.floor(random() * MAX_BATCH);
    return Array.from({ length: count }, () => {
      const user = users[Math.floor(random() * users.length)]!;
      const similar = random() < .15;
      const clients = clientsOf(user);
      const source = !similar && random() < .05
        ? clients[Math.floor(random() * clients.length)]
        : undefined;
      return { n: next(), user, similar, source, padding: 0 };
    });
  }

  async #publish(drafts: readonly Draft[], stop: AbortSignal): Promise<void> {
    const accepted = await this.#requests.accept(bodyOf(drafts), stop);
    if (!accepted) return void (this.neverAccepted += drafts.length);
    const { ids, sentAt, acceptedAt } = accepted;
    drafts.forEach(({ n, user, source, similar }, index) =>
      this.publications.push({
        ...{ n, id: ids[index]!, user, sentAt, acceptedAt },
        ...(source !== undefined && { source }),
        ...(similar && { similar }),
      })
    );
  }
}

function bodyOf(drafts: readonly Draft[]): unknown {
  const all = drafts.map(({ n, user, similar, source, padding }) => ({
    ...{ context: "1", user: String(user), topic: TOPICS[similar ? 1 : 0] },
    data: { n, ...(padding > 0 && { padding: "x".repeat(padding) }) },
    ...(similar && { collapseKey: "the same" }),
    ...(source !== undefined && { sourceToken: source }),
  }));
  return all.length === 1 ? all[0] : { notifications: all };
}
