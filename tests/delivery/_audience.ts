/** An audience of users with a phone each, and a process that ends, or pauses, amid its commits. */

import assert from "node:assert/strict";
import type { Commit, Store } from "../../core/store.ts";
import type { ReadAudience } from "../../delivery/mod.ts";
import type { PipelineBench } from "../support/pipeline.ts";

/** Returns names that sort by their number. */
export function names(count: number): string[] {
  return Array.from({ length: count }, (_, n) => `user ${String(n).padStart(5, "0")}`);
}

/** Reads an audience from a list, which may grow. */
export function readFrom(users: readonly string[]): ReadAudience {
  return (_audience, { after = "", limit }) => {
    const page = users.toSorted().filter((user) => user > after).slice(0, limit);
    return Promise.resolve({ users: page, ...(page.length === limit && { next: page.at(-1)! }) });
  };
}

/** Gives a bench an audience, everybody in it with a phone whose token is the name. */
export function giveAudience(bench: PipelineBench, users: readonly string[]): void {
  bench.readAudience = readFrom(users);
  bench.targets = users.map((user) => ({
    ...{ context: "1", user, client: "app", transport: "apn", token: user },
    ...{ subscriptionId: user, refreshedAt: 0 },
  }));
}

/** From now on so many commits succeed, and then the process is gone. Returns what ends that. */
export function dieAfter(
  allowed: number,
  { store, bench }: { readonly store: Store; readonly bench: PipelineBench },
): () => void {
  const commit = store.commit.bind(store);
  let left = allowed;
  store.commit = (changes: Commit) => {
    if (left-- > 0) return commit(changes);
    bench.kill();
    return new Promise(() => {});
  };
  return () => void (store.commit = commit);
}

/** From now on so many commits succeed, and the rest wait. Returns what lets them go on. */
export function pauseAfter(allowed: number, store: Store): () => void {
  const commit = store.commit.bind(store);
  const resumed = Promise.withResolvers<void>();
  let left = allowed;
  store.commit = async (changes: Commit) => {
    if (left-- <= 0) await resumed.promise;
    return await commit(changes);
  };
  return () => {
    store.commit = commit;
    resumed.resolve();
  };
}

/** Every user was reached by the processes together, and each under one id. */
export function assertEachOnce(
  benches: readonly PipelineBench[],
  { users, after }: { readonly users: readonly string[]; readonly after: string },
): void {
  const sent = Map.groupBy(benches.flatMap(({ apn }) => apn.arrivals), ({ token }) => token);
  assert.equal(sent.size, users.length, after);
  for (const [token, arrivals] of sent) {
    assert.equal(new Set(arrivals.map((one) => one.id)).size, 1, `${token} ${after}`);
  }
}
