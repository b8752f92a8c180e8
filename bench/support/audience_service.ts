/** A service with many users, some with sockets or with phones, and a group of them all. */

import { systemClock } from "../../core/clock.ts";
import { createIdSource } from "../../core/ids.ts";
import { openStore } from "../../store/mod.ts";
import { type CarillonProcess, startCarillon, type StartOptions } from "./carillon_process.ts";
import { AT_ONCE, MAIL } from "./senders.ts";

/** A running service whose group `all` has the users `0` to `users - 1`. */
export interface AudienceService extends AsyncDisposable {
  readonly carillon: CarillonProcess;
  /** Calls the API; throws where it answers with an error. */
  call(method: string, path: string, body?: unknown): Promise<unknown>;
  /** Notifications settled since the start. */
  settled(): Promise<number>;
  /** Publishes to the group as one notification. */
  toGroup(fields?: object): Promise<string>;
  /** Publishes to each user, in batches of 1,000 by four publishers. */
  inBatches(): Promise<void>;
}

const BATCH = 1_000;
const PUBLISHERS = 4;
const TOPIC = "ox:mail:new";
/** Members in one request, and changes in one commit. */
const MEMBERS = 10_000;
const COMMIT = 500;

/** Starts it on a new data file. */
export async function startAudienceService(
  { users, phones, properties = [], files = {}, v8Flags = [] }: {
    readonly users: number;
    /** The client whose phones they have; absent: none. */
    readonly phones?: string;
    readonly properties?: readonly string[];
    readonly files?: NonNullable<StartOptions["files"]>;
    readonly v8Flags?: readonly string[];
  },
): Promise<AudienceService> {
  const folder = await Deno.makeTempDir({ prefix: "bench_audience_" });
  const store = `kv:${folder}/data.kv`;
  if (phones !== undefined) await writePhones(store, { users, client: phones });
  const carillon = await startCarillon([...AT_ONCE, ...properties], { store, files, v8Flags });
  const base = `http://127.0.0.1:${carillon.port}`;
  const headers = {
    "authorization": `Bearer ${carillon.adminKey}`,
    "content-type": "application/json",
  };
  let round = 0;

  async function call(method: string, path: string, body?: unknown): Promise<unknown> {
    const text = body === undefined ? null : JSON.stringify(body);
    const response = await fetch(`${base}${path}`, { method, headers, body: text });
    const answer = await response.text();
    if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${answer}`);
    return answer === "" ? undefined : JSON.parse(answer);
  }

  for (let from = 0; from < users; from += MEMBERS) {
    const members = Array.from({ length: Math.min(MEMBERS, users - from) }, (_, n) => from + n);
    await call("POST", "/v1/groups/1/all/members", { users: members });
  }
  return {
    carillon,
    call,
    async settled() {
      const metrics = await (await fetch(`${base}/metrics`, { headers })).text();
      const lines = metrics.matchAll(/^carillon_notifications_settled_total\{[^}]*\} (\d+)/gm);
      return [...lines].reduce((sum, [, count]) => sum + Number(count), 0);
    },
    async toGroup(fields = {}) {
      const audience = { kind: "group", group: "all" };
      const data = { ...MAIL, id: `group ${round++}` };
      const body = { context: "1", audience, topic: TOPIC, data, ...fields };
      const { ids } = await call("POST", "/v1/notifications", body) as { ids: [string] };
      return ids[0];
    },
    async inBatches() {
      const data = { ...MAIL, id: `batches ${round++}` };
      let next = 0;
      await Promise.all(Array.from({ length: PUBLISHERS }, async () => {
        while (next < users) {
          const from = next;
          next += BATCH;
          await carillon.publish(Array.from({ length: Math.min(BATCH, users - from) }, (_, n) => ({
            ...{ context: "1", user: String(from + n), topic: TOPIC, data },
          })));
        }
      }));
    },
    async [Symbol.asyncDispose]() {
      await carillon[Symbol.asyncDispose]();
      await Deno.remove(folder, { recursive: true });
    },
  };
}

/** Writes the documents of subscriptions as the repository does. */
async function writePhones(
  address: string,
  { users, client }: { readonly users: number; readonly client: string },
): Promise<void> {
  const newId = createIdSource(systemClock);
  await using store = await openStore(address, { clock: systemClock, random: Math.random });
  for (let from = 0; from < users; from += COMMIT) {
    const sets = Array.from({ length: Math.min(COMMIT, users - from) }, (_, n) => {
      const user = String(from + n);
      const now = Date.now();
      const phone = {
        ...{ id: newId(), client, transport: "apn", token: user.padStart(64, "0") },
        ...{ topics: [TOPIC], createdAt: now, refreshedAt: now },
      };
      return { key: ["subscriptions", "1", user], value: { v: 1, subscriptions: [phone] } };
    });
    await store.commit({ sets });
  }
}
