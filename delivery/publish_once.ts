/**
 * Publishes at most once under an idempotency key. Where the buffer takes other records along and
 * this process alone writes, the key is remembered in the commit that makes the notifications
 * durable. Otherwise it is reserved first, so that of several nodes one goes on, and a request that
 * got stuck half-way is finished by its repetition.
 */

import type { Buffer } from "../buffer/mod.ts";
import type { Clock } from "../core/clock.ts";
import { ServiceError } from "../core/errors.ts";
import type { IdSource } from "../core/ids.ts";
import type { Notification } from "../core/notification.ts";
import type { Store, StoreEntry, StoreKey } from "../core/store.ts";

/** What publishing once needs. */
export interface PublishOnceOptions {
  readonly buffer: Pick<Buffer, "put" | "traits">;
  readonly store: Store;
  readonly clock: Pick<Clock, "now">;
  readonly ids: IdSource;
  /** Milliseconds for which a key is remembered. */
  readonly idempotencyMs: () => number;
}

/** A request with a key. */
interface KeyedRequest {
  readonly key: StoreKey;
  /** The same for the same request. */
  readonly fingerprint: string;
  readonly count: number;
  /** Makes the notifications of these ids, in order, as accepted at that time (epoch ms). */
  readonly stamp: (ids: readonly string[], acceptedAt: number) => readonly Notification[];
}

/** What was accepted. */
export interface Published {
  readonly ids: readonly string[];
  /** The same request had been accepted before, under the same idempotency key. */
  readonly replayed: boolean;
}

/** What is kept of a request. */
interface IdempotencyRecord {
  readonly v: 1;
  readonly fingerprint: string;
  readonly ids: readonly string[];
  /** Absent once it is accepted. */
  readonly pending?: {
    /** Epoch ms; 0 where it is known to have failed. */
    readonly since: number;
    readonly acceptedAt: number;
  };
}

/** What a repetition finds. */
type IdempotencyState = "accepted" | "another request" | "under way" | "unfinished";

/** For longer nobody is at it: a request to the store is given up before. */
const UNDER_WAY_MS = 10_000;

/** What a request is to do about what is kept under its key. Times are epoch milliseconds. */
export function idempotencyStateOf(
  known: IdempotencyRecord,
  { fingerprint, now }: { readonly fingerprint: string; readonly now: number },
): IdempotencyState {
  if (known.fingerprint !== fingerprint) return "another request";
  if (known.pending === undefined) return "accepted";
  // Clocks of nodes differ, so it may seem to begin later than now.
  return Math.abs(now - known.pending.since) < UNDER_WAY_MS ? "under way" : "unfinished";
}

/**
 * The function that publishes; requests of this process with one key must not overlap.
 *
 * @throws {ServiceError} `idempotency_conflict`, `idempotency_mismatch`, and what
 * {@link Buffer.put} throws.
 */
export function createPublishOnce(
  options: PublishOnceOptions,
): (request: KeyedRequest) => Promise<Published> {
  const { buffer, store, clock, ids, idempotencyMs } = options;
  const { takesRecords } = buffer.traits;

  const set = (key: StoreKey, value: IdempotencyRecord) => ({
    key,
    value,
    expireInMs: idempotencyMs(),
  });
  const newIds = (count: number) => Array.from({ length: count }, () => ids());

  /** The ids of a request that is accepted already, or `undefined` where it is to be finished. */
  function replay(known: IdempotencyRecord, fingerprint: string): Published | undefined {
    switch (idempotencyStateOf(known, { fingerprint, now: clock.now() })) {
      case "accepted":
        return { ids: known.ids, replayed: true };
      case "unfinished":
        return undefined;
      case "under way":
        throw requestInProgress();
      case "another request":
        throw new ServiceError(
          "idempotency_mismatch",
          "Cannot publish: the idempotency key was used for another request",
        );
    }
  }

  async function together({ key, fingerprint, count, stamp }: KeyedRequest): Promise<Published> {
    const known = await store.get<IdempotencyRecord>(key);
    const replayed = known && replay(known.value, fingerprint);
    if (replayed) return replayed;
    const value: IdempotencyRecord = { v: 1, fingerprint, ids: newIds(count) };
    await buffer.put(stamp(value.ids, clock.now()), [set(key, value)]);
    return { ids: value.ids, replayed: false };
  }

  async function reserved(request: KeyedRequest): Promise<Published> {
    const { key, fingerprint, count } = request;
    // A buffer that takes records wants its ids in the order of the calls; they are made later.
    const made = takesRecords ? [] : newIds(count);
    const now = clock.now();
    const fresh = {
      v: 1,
      fingerprint,
      ids: made,
      pending: { since: now, acceptedAt: now },
    } as const;
    if (await store.commit({ checks: [{ key, version: null }], sets: [set(key, fresh)] })) {
      return await finish(request, fresh, { isRepeat: false });
    }
    const known = await store.get<IdempotencyRecord>(key);
    if (known === undefined) throw requestInProgress();
    const replayed = replay(known.value, fingerprint);
    if (replayed) return replayed;
    const mine = await takeOver(known);
    if (mine === undefined) throw requestInProgress();
    return await finish(request, mine, { isRepeat: true });
  }

  /** `undefined` where somebody else was quicker. */
  async function takeOver({ key, value, version }: StoreEntry<IdempotencyRecord>) {
    const pending = { since: clock.now(), acceptedAt: value.pending!.acceptedAt };
    const mine: IdempotencyRecord = { ...value, pending };
    const done = await store.commit({ checks: [{ key, version }], sets: [set(key, mine)] });
    return done ? mine : undefined;
  }

  async function finish(
    { key, fingerprint, count, stamp }: KeyedRequest,
    mine: IdempotencyRecord,
    { isRepeat }: { readonly isRepeat: boolean },
  ): Promise<Published> {
    const { acceptedAt } = mine.pending!;
    try {
      if (takesRecords) {
        // Its record would be done had anything been accepted: it may have new ids.
        const done: IdempotencyRecord = { v: 1, fingerprint, ids: newIds(count) };
        await buffer.put(stamp(done.ids, clock.now()), [set(key, done)]);
        return { ids: done.ids, replayed: false };
      }
      await buffer.put(stamp(mine.ids, acceptedAt), [], { isRepeat });
    } catch (thrown) {
      await giveUp(key, mine);
      throw thrown;
    }
    const done: IdempotencyRecord = { v: 1, fingerprint, ids: mine.ids };
    // Where that fails, a repetition finds it unfinished, and the buffer knows the ids.
    store.commit({ sets: [set(key, done)] }).catch(() => {});
    return { ids: mine.ids, replayed: false };
  }

  /** Lets a repetition go on at once. Where that fails, it waits until nobody can be at it. */
  async function giveUp(key: StoreKey, { pending, ...mine }: IdempotencyRecord): Promise<void> {
    try {
      const known = await store.get<IdempotencyRecord>(key);
      if (known?.value.pending?.since !== pending!.since) return;
      const failed: IdempotencyRecord = { ...mine, pending: { ...pending!, since: 0 } };
      await store.commit({
        checks: [{ key, version: known.version }],
        sets: [set(key, failed)],
      });
    } catch {
      // Said by what made the publish fail.
    }
  }

  return takesRecords && !store.traits.shared ? together : reserved;
}

/** Somebody else is at the same request. */
export function requestInProgress(): ServiceError {
  const message = "Cannot publish: a request with this idempotency key is under way";
  return new ServiceError("idempotency_conflict", message, { retryAfterSeconds: 1 });
}
