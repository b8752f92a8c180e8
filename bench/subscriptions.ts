// deno-lint-ignore-file no-console -- a command answers on the terminal
/**
 * Measures how matching slows down as the number of stored subscriptions grows: 1,000, 100,000 and
 * 1,000,000 in one Deno KV file, two per user. Prints nanoseconds per match for 500 users spread
 * over all: cached, read together by `prefetch` as in a batch job, and read one by one. Compare
 * ratios; absolute numbers depend on the machine.
 */

import { createIdSource } from "../core/ids.ts";
import { systemClock } from "../core/clock.ts";
import type { Store } from "../core/store.ts";
import { openStore } from "../store/mod.ts";
import { CandidateCache, createMatcher } from "../subscriptions/mod.ts";

const SIZES = [1_000, 100_000, 1_000_000];
const PER_USER = 2;
const TOPIC = "ox:mail:new";
const BATCH = 500;
const SAMPLE = 500;

const newId = createIdSource(systemClock);
const folder = await Deno.makeTempDir();
try {
  await using store = await openStore(`kv:${folder}/bench.kv`, {
    clock: systemClock,
    random: Math.random,
  });
  const first: Record<string, number> = {};
  let stored = 0;
  for (const size of SIZES) {
    await fill(store, { from: stored / PER_USER, to: size / PER_USER });
    stored = size;
    const users = size / PER_USER;
    report(size, first, {
      "in memory": await cached(store, users),
      "prefetched": await prefetched(store, users),
      "one by one": await oneByOne(store, users),
    });
  }
} finally {
  await Deno.remove(folder, { recursive: true });
}

/** Writes the documents like the repository, without its indexes, which a publish does not read. */
async function fill(store: Store, { from, to }: { from: number; to: number }): Promise<void> {
  for (let user = from; user < to; user += BATCH) {
    const sets = [];
    for (let next = user; next < Math.min(to, user + BATCH); next++) {
      sets.push({ key: ["subscriptions", "1", String(next)], value: documentOf(next) });
    }
    await store.commit({ sets });
  }
}

function documentOf(user: number) {
  const subscriptions = Array.from({ length: PER_USER }, (_, n) => ({
    id: newId(),
    client: "myiosclient",
    transport: "apn",
    token: `${user}-${n}`.padEnd(64, "f"),
    topics: n % 2 === 0 ? ["ox:mail:*", "ox:calendar:updates"] : ["*"],
    createdAt: 1,
    refreshedAt: 1,
  }));
  return { v: 1, subscriptions };
}

/** Nanoseconds per match of cached users. */
async function cached(store: Store, users: number): Promise<number> {
  const matcher = matcherOn(store);
  const sample = someUsers(users);
  await matcher.prefetch(sample);
  return await best(5, async () => {
    const rounds = 200;
    const startedAt = performance.now();
    for (let round = 0; round < rounds; round++) {
      for (const { context, user } of sample) {
        const targets = matcher.match({ context, user, topic: TOPIC }, []);
        if ((targets instanceof Promise ? await targets : targets).length !== PER_USER) fail();
      }
    }
    return (performance.now() - startedAt) * 1e6 / (rounds * sample.length);
  });
}

/** Nanoseconds per match of users who are not cached, with one read for all. */
async function prefetched(store: Store, users: number): Promise<number> {
  return await best(15, async () => {
    const sample = someUsers(users);
    const matcher = matcherOn(store);
    const startedAt = performance.now();
    await matcher.prefetch(sample);
    for (const { context, user } of sample) {
      if ((await matcher.match({ context, user, topic: TOPIC }, [])).length !== PER_USER) fail();
    }
    return (performance.now() - startedAt) * 1e6 / sample.length;
  });
}

/** Nanoseconds per match of users who are not cached, one after the other. */
async function oneByOne(store: Store, users: number): Promise<number> {
  return await best(15, async () => {
    const sample = someUsers(users);
    const matcher = matcherOn(store);
    const startedAt = performance.now();
    for (const { context, user } of sample) {
      const targets = await matcher.match({ context, user, topic: TOPIC }, []);
      if (targets.length !== PER_USER) fail();
    }
    return (performance.now() - startedAt) * 1e6 / sample.length;
  });
}

function matcherOn(store: Store) {
  return createMatcher({
    candidates: new CandidateCache(store),
    interests: () => [],
    clock: systemClock,
  });
}

/** Returns different users in each run, spread over all, in no order. */
function someUsers(users: number) {
  const offset = Math.floor(Math.random() * users);
  return Array.from({ length: SAMPLE }, (_, n) => ({
    context: "1",
    // A prime that divides no number of users, so that no user repeats.
    user: String((offset + n * 7_919) % users),
  }));
}

/** Returns the fastest of several runs: disturbances only make a run slower. */
async function best(runs: number, measure: () => Promise<number>): Promise<number> {
  let least = Infinity;
  for (let run = 0; run < runs; run++) least = Math.min(least, await measure());
  return least;
}

function report(
  size: number,
  first: Record<string, number>,
  results: Record<string, number>,
): void {
  const columns = Object.entries(results).map(([name, nanoseconds]) => {
    first[name] ??= nanoseconds;
    const ratio = (nanoseconds / first[name]!).toFixed(2);
    return `${name} ${Math.round(nanoseconds).toLocaleString("en")} ns (× ${ratio})`;
  });
  console.log(`${size.toLocaleString("en").padStart(9)} subscriptions: ${columns.join(" · ")}`);
}

function fail(): never {
  throw new Error("Cannot trust the numbers: a match is missing");
}
