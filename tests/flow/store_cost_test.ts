/**
 * What a notification costs on its way from a publish to a socket that can be counted exactly: changes
 * of the store and their bytes, and how often its data are parsed and written. A figure that rises is
 * for a reason that is known, or a mistake.
 */

import assert from "node:assert/strict";
import { systemClock } from "../../core/clock.ts";
import type { Commit, Store } from "../../core/store.ts";
import { createEmbeddedBackend } from "../../service/embedded_backend.ts";
import { openStore } from "../../store/mod.ts";
import { NEW_MAIL } from "../support/api.ts";
import { listen } from "../support/listener.ts";
import { startTestService } from "../support/start_service.ts";
import { until } from "../support/until.ts";

const USERS = ["a", "b", "c", "d"];
const EACH = 250;
const TOTAL = USERS.length * EACH;
/** As it is published, without white space. */
const DATA_BYTES = JSON.stringify({ ...NEW_MAIL.data, id: "100" }).length;

interface Cost {
  sets: number;
  deletes: number;
  bytes: number;
}

/** A store that counts its changes by the first part of their keys. */
function counted(store: Store): Map<string, Cost> {
  const costs = new Map<string, Cost>();
  const of = (name: unknown) => {
    const cost = costs.get(String(name)) ?? { sets: 0, deletes: 0, bytes: 0 };
    costs.set(String(name), cost);
    return cost;
  };
  const commit = store.commit.bind(store);
  store.commit = (changes: Commit) => {
    for (const { key, value } of changes.sets ?? []) {
      const cost = of(key[0]);
      cost.sets++;
      cost.bytes += bytesIn(value);
    }
    for (const key of changes.deletes ?? []) of(key[0]).deletes++;
    return commit(changes);
  };
  return costs;
}

/** Of what is packed; of the rest there is little. */
function bytesIn(value: unknown): number {
  if (value instanceof Uint8Array) return value.length;
  const { items } = value as { readonly items?: Uint8Array };
  return items?.length ?? 0;
}

Deno.test("a batch is stored in a few large values, and its data are neither parsed nor serialized again", async () => {
  const folder = await Deno.makeTempDir();
  const store = await openStore(`kv:${folder}/x.kv`, { clock: systemClock, random: Math.random });
  const costs = counted(store);
  const { parse, stringify } = JSON;
  try {
    await using service = await startTestService({ backend: createEmbeddedBackend(store) });
    const listeners = await Promise.all(
      USERS.map(async (user) => await listen(service.host, { session: await service.mint(user) })),
    );
    const body = stringify({
      notifications: Array.from({ length: TOTAL }, (_, n) => ({
        ...NEW_MAIL,
        user: USERS[n % USERS.length],
        data: { ...NEW_MAIL.data, id: String(100 + n % 900) },
      })),
    });
    await until("users are known to the store", () => (costs.get("present")?.sets ?? 0) >= 4);
    costs.clear();
    const seen = { parsed: 0, written: 0 };
    JSON.parse = (text, ...rest) => {
      if (String(text).includes(NEW_MAIL.data.teaser)) seen.parsed++;
      return parse(text, ...rest);
    };
    JSON.stringify = (value: unknown, ...rest: never[]) => {
      const text = stringify(value, ...rest);
      if (text?.includes(NEW_MAIL.data.teaser)) seen.written++;
      return text;
    };
    const answer = await service.call("POST", "/v1/notifications", { body });
    assert.equal(answer.status, 202, answer.text);
    await until("everything is settled and stored", async () => {
      const { text } = await service.call("GET", "/metrics");
      const { sets, deletes } = costs.get("log")!;
      return /^carillon_notifications_in_flight 0$/m.test(text) && sets > 0 && deletes >= sets;
    });
    const inService = { ...seen };
    Object.assign(JSON, { parse, stringify });
    for (const listener of listeners) await listener.received(EACH);
    // The listeners of this test parse what they get, in the same process.
    assert.ok(inService.parsed <= TOTAL, `${inService.parsed} times parsed`);
    assert.equal(inService.written, 0);

    const log = costs.get("log")!;
    const events = costs.get("events")!;
    const ledger = costs.get("ledger")!;
    assert.ok(log.sets <= 4, `${log.sets} segments`);
    assert.equal(log.deletes, log.sets);
    assert.ok(events.sets <= 8, `${events.sets} values of events`);
    assert.ok(ledger.sets <= log.sets + 1, `${ledger.sets} values of records`);
    const each = ({ bytes }: Cost) => Math.round(bytes / TOTAL);
    assert.ok(each(log) <= DATA_BYTES + 85, `${each(log)} bytes in the log`);
    assert.ok(each(events) <= DATA_BYTES + 115, `${each(events)} bytes in the event log`);
    assert.ok(each(ledger) <= 160, `${each(ledger)} bytes in the ledger`);
  } finally {
    Object.assign(JSON, { parse, stringify });
    await Deno.remove(folder, { recursive: true });
  }
});
