// deno-lint-ignore-file no-console -- a command answers on the terminal
/**
 * Publishes several notifications in one request from Deno, in TypeScript, and repeats the request
 * safely where the answer is lost or the service is busy:
 *
 *   CARILLON_KEY=car_… deno run --allow-net --allow-env examples/publish/publish_batch.ts [user…]
 *
 * The key needs the scope "publish". Node.js 22.18 or later runs this file as well.
 */

import process from "node:process";
import { setTimeout as sleep } from "node:timers/promises";

/** What `POST /v1/notifications` takes; `/openapi.json` describes every field. */
interface Notification {
  readonly context: string;
  readonly user: string;
  readonly topic: string;
  readonly data: Readonly<Record<string, unknown>>;
  readonly priority?: "high" | "medium" | "low";
  /** Seconds for which it is worth delivering. */
  readonly ttl?: number;
  /** Of several waiting ones with the same key only the newest is delivered. */
  readonly collapseKey?: string;
}

const { CARILLON_URL = "http://localhost:8080", CARILLON_KEY } = process.env;
const ATTEMPTS = 5;

/**
 * Publishes all of them or none, and returns their ids in the same order. The service remembers
 * the idempotency key for a day: a repetition with the same key and body returns the same ids.
 */
async function publish(
  notifications: readonly Notification[],
  idempotencyKey: string,
): Promise<readonly string[]> {
  for (let attempt = 1;; attempt++) {
    const response = await send(notifications, idempotencyKey);
    if (response?.status === 202) return (await response.json()).ids;
    const mayRepeat = response === undefined || [408, 429].includes(response.status) ||
      response.status >= 500;
    const problem = await response?.text() ?? "no answer";
    if (!mayRepeat || attempt === ATTEMPTS) throw new Error(`Not accepted: ${problem}`);
    const seconds = Number(response?.headers.get("retry-after") ?? 0) || 2 ** attempt / 4;
    await sleep(seconds * 1000);
  }
}

/** One attempt; `undefined` where no answer arrives, which is when nobody knows what happened. */
async function send(
  notifications: readonly Notification[],
  idempotencyKey: string,
): Promise<Response | undefined> {
  try {
    return await fetch(`${CARILLON_URL}/v1/notifications`, {
      method: "POST",
      headers: {
        "authorization": `Bearer ${CARILLON_KEY}`,
        "content-type": "application/json",
        "idempotency-key": idempotencyKey,
      },
      body: JSON.stringify({ notifications }),
      signal: AbortSignal.timeout(10_000),
    });
  } catch {
    return undefined;
  }
}

const users = process.argv.slice(2);
const ids = await publish(
  (users.length > 0 ? users : ["3"]).map((user) => ({
    context: "1",
    user,
    topic: "acme:invoice:paid",
    data: { title: "Invoice 4711 is paid", message: "Thank you" },
    ttl: 3600,
  })),
  // A key that names what happened is better than a random one: it survives a restart.
  `invoice-4711-paid-${crypto.randomUUID()}`,
);
console.log(`accepted as ${ids.join(", ")}`);
