/**
 * `kill -9` under load, again and again, at moments that a seed decides: whatever was answered
 * 202 is known afterwards, in exactly one final state, and reached every socket that was open.
 */

import assert from "node:assert/strict";
import type { Fields, Settled } from "../support/api.ts";
import { listen, type Listener } from "../support/listener.ts";
import { seeded } from "../support/seeded.ts";
import { type ServiceProcess, startProcess } from "../support/start_process.ts";
import { until } from "../support/until.ts";

const ROUNDS = 4;
const PUBLISHERS = 4;
const SEED = 20_261_123;
/** Keeps the number of notifications, and so the test, small. */
const PAUSE_MS = 20;
/** Long enough for sockets to be open again before what was read back is handed over. */
const DELAY_MS = 700;

/** A user whose socket is opened again whenever it is lost. */
class Faithful {
  readonly #over = new AbortController();
  readonly #running: Promise<void>;
  /** One after the other; the last one may be open. */
  readonly #listeners: Listener[] = [];

  constructor(service: ServiceProcess, session: string) {
    this.#running = this.#run(service, session);
  }

  get isOpen(): boolean {
    return this.#listeners.at(-1)?.isOpen ?? false;
  }

  /** The numbers of everything that arrived. */
  get seen(): ReadonlySet<number> {
    const events = this.#listeners.flatMap(({ events }) => events) as [string, { n: number }][];
    return new Set(events.map(([, { n }]) => n));
  }

  async end(): Promise<void> {
    this.#over.abort();
    this.#listeners.at(-1)?.close();
    await this.#running;
  }

  async #run(service: ServiceProcess, session: string): Promise<void> {
    while (!this.#over.signal.aborted) {
      try {
        const listener = await listen(service.host, { session, connection: "c" });
        this.#listeners.push(listener);
        if (this.#over.signal.aborted) listener.close();
        await listener.closed;
      } catch {
        await new Promise((resolve) => setTimeout(resolve, 10));
      }
    }
  }
}

/** Publishes until the service is gone; remembers what was answered 202. */
class Publisher {
  readonly accepted = new Map<string, number>();

  constructor(readonly service: ServiceProcess, readonly draft: (n: number) => Fields) {}

  async run(numbers: Iterator<number>): Promise<void> {
    for (let yieldToEventLoop = 0;; yieldToEventLoop++) {
      const count = yieldToEventLoop % 3 === 0 ? 1 : 10;
      const batch = Array.from({ length: count }, () => numbers.next().value as number);
      try {
        const ids = await this.service.publishAll(batch.map(this.draft));
        ids.forEach((id, index) => this.accepted.set(id, batch[index]!));
      } catch (thrown) {
        if (!(thrown instanceof TypeError)) throw thrown; // anything but a broken connection
        return; // it was killed; nobody knows whether the last one was accepted
      }
      await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
    }
  }
}

function* naturals(): Generator<number, never> {
  for (let n = 0;; n++) yield n;
}

/** Users 0 to 3 listen, 4 and 5 do not; some meet similar ones, some do not live long. */
function draftOf(n: number): Fields {
  const user = String(n % 6);
  if (n % 11 === 0) return { user, topic: "t:collapse", collapseKey: "k", data: { n } };
  if (n % 13 === 0) return { user, topic: "t:medium", priority: "medium", ttl: 1, data: { n } };
  return { user, topic: "t:plain", data: { n } };
}

Deno.test("kill -9 under load loses nothing that was answered 202", async () => {
  const random = seeded(SEED);
  await using service = await startProcess({
    properties: {
      "com.openexchange.pns.delayDuration": DELAY_MS,
      "io.carillon.websocket.maxSocketsPerUser": 100,
    },
  });
  const users = await Promise.all(
    [0, 1, 2, 3].map(async (user) => new Faithful(service, await service.mint(user))),
  );
  const publishers = Array.from(
    { length: PUBLISHERS },
    () => new Publisher(service, draftOf),
  );
  const numbers = naturals();
  const everyoneListens = () => until("all sockets are open", () => users.every((u) => u.isOpen));
  await everyoneListens();

  for (let round = 0; round < ROUNDS; round++) {
    const running = publishers.map((publisher) => publisher.run(numbers));
    // Some are being accepted then, some handed over, and some settled.
    const arrived = () => users.reduce((sum, { seen }) => sum + seen.size, 0);
    const enough = arrived() + 1 + Math.floor(random() * 300);
    await until("enough has arrived", () => arrived() >= enough);
    await service.end("SIGKILL");
    await Promise.all(running);
    await service.start();
    await everyoneListens();
  }

  const accepted = acceptedBy(publishers);
  const records = new Map<string, Settled>();
  for (const some of chunks([...accepted.keys()], 50)) {
    for (const record of await Promise.all(some.map((id) => service.settled(id)))) {
      records.set(record.id, record);
    }
  }
  const delivered = [...accepted].flatMap(([id, n]) =>
    records.get(id)!.state === "delivered" ? [n] : []
  );
  await until("what was delivered has arrived", () => {
    const seen = users.map((user) => user.seen);
    return delivered.every((n) => seen[n % 6]?.has(n));
  });
  await Promise.all(users.map((user) => user.end()));

  const byState = Map.groupBy(records.values(), ({ state }) => state);
  const count = (state: Settled["state"]) => byState.get(state)?.length ?? 0;
  assert.equal(
    count("delivered") + count("suppressed") + count("expired") + count("dead"),
    accepted.size,
  );
  assert.equal(count("dead"), 0);
  for (const [id, n] of accepted) {
    const { state, reason, user, mergedInto } = records.get(id)!;
    assert.equal(user, String(n % 6));
    if (state === "delivered") continue;
    if (state === "suppressed" && reason === "merged") {
      assert.equal(n % 11, 0);
      assert.notEqual(mergedInto, undefined);
    } else if (state === "suppressed") {
      assert.ok(n % 6 >= 4, `${n} was suppressed (${reason}) although a socket was open`);
    } else assert.equal(n % 13, 0, `${n} is ${state}`);
  }
  assert.match(service.log, /"recovered":[1-9]/);
  assert.ok(count("delivered") > 0 && count("suppressed") > 0);
});

function acceptedBy(publishers: readonly Publisher[]): ReadonlyMap<string, number> {
  return new Map(publishers.flatMap(({ accepted }) => [...accepted]));
}

function* chunks<T>(all: readonly T[], size: number): Generator<readonly T[]> {
  for (let at = 0; at < all.length; at += size) yield all.slice(at, at + size);
}
