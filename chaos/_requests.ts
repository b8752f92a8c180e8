/**
 * Requests to publish that are repeated until they are accepted: each has an `Idempotency-Key`, and
 * is sent again, after `Retry-After` where the response has one, until it is answered with 202.
 */

import { setTimeout as sleep } from "node:timers/promises";
import type { Answer } from "./run_record.ts";

interface RequestsOptions {
  /** Names the publisher; the first part of its idempotency keys. */
  readonly name: string;
  /** Host and port. */
  readonly address: string;
  readonly key: string;
  readonly random: () => number;
  /** Milliseconds since the run began. */
  readonly now: () => number;
}

/** How a request was accepted, in milliseconds since the run began. */
interface Accepted {
  readonly ids: readonly string[];
  /** When it was sent for the first time. */
  readonly sentAt: number;
  readonly acceptedAt: number;
}

const REQUEST_WITHIN_MS = 6_000;
const MAX_WAIT_MS = 2_000;
/** How long requests are still retried after the end. */
const GRACE_MS = 60_000;

/** The requests of one publisher. */
export class Requests {
  readonly answers: Answer[] = [];
  readonly #options: RequestsOptions;
  /**
   * Without a pool each request has a connection of its own, which the balancer assigns to a node.
   */
  readonly #http = Deno.createHttpClient({ poolMaxIdlePerHost: 0 });
  #count = 0;

  constructor(options: RequestsOptions) {
    this.#options = options;
  }

  /** Sends one until it is accepted; `undefined` where it never was. */
  async accept(given: unknown, stop: AbortSignal): Promise<Accepted | undefined> {
    const { name, random, now } = this.#options;
    const key = `${name}-${this.#count++}`;
    const body = JSON.stringify(given);
    const sentAt = now();
    let giveUpAt = Infinity;
    while (now() < giveUpAt) {
      if (stop.aborted && giveUpAt === Infinity) giveUpAt = now() + GRACE_MS;
      const { ids, waitMs } = await this.#send(key, body);
      if (ids) return { ids, sentAt, acceptedAt: now() };
      await sleep(waitMs * (.5 + random()));
    }
    return undefined;
  }

  close(): void {
    this.#http.close();
  }

  /** Makes one attempt; returns the ids, or how long to wait before the next. */
  async #send(key: string, body: string) {
    const { address, now } = this.#options;
    const from = now();
    try {
      const response = await fetch(`http://${address}/v1/notifications`, {
        method: "POST",
        headers: {
          "authorization": `Bearer ${this.#options.key}`,
          "content-type": "application/json",
          "idempotency-key": key,
        },
        body,
        client: this.#http,
        signal: AbortSignal.timeout(REQUEST_WITHIN_MS),
      });
      const { status } = response;
      const answer = await json(response);
      const retryAfter = response.headers.get("retry-after");
      this.answers.push({
        ...{ from, to: now(), status, retryAfter: retryAfter !== null },
        ...(answer?.code !== undefined && { code: answer.code }),
        ...(answer?.detail !== undefined && { detail: answer.detail }),
      });
      if (status === 202) return { ids: answer?.ids, waitMs: 0 };
      return { waitMs: Math.min(Number(retryAfter ?? .5) * 1000, MAX_WAIT_MS) };
    } catch {
      this.answers.push({ from, to: now(), status: 0, retryAfter: false });
      return { waitMs: 100 };
    }
  }
}

async function json(response: Response): Promise<
  { readonly ids?: readonly string[]; readonly code?: string; readonly detail?: string } | undefined
> {
  const text = await response.text();
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
