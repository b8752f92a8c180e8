/**
 * Publishes at most once per idempotency key. Where the buffer stores other records along and only
 * this process writes, one commit stores the key with the notifications. Otherwise it reserves the
 * key first, so that only one node publishes, and a repeated request finishes one that stopped
 * halfway.
 */

import type { Buffer } from "../buffer/mod.ts";
import type { Clock } from "../core/clock.ts";
import { ServiceError } from "../core/errors.ts";
import type { IdSource } from "../core/ids.ts";
import type { Notification } from "../core/notification.ts";
import type { Store, StoreEntry, StoreKey } from "../core/store.ts";

/** Dependencies of {@link createPublishOnce}. */
export interface PublishOnceOptions {
  readonly buffer: Pick<Buffer, "put" | "traits">;
  readonly store: Store;
  readonly clock: Pick<Clock, "now">;
  readonly ids: IdSource;
  /** Milliseconds for which a key is kept. */
  readonly idempotencyMs: () => number;
}

/** A request with an idempotency key. */
interface KeyedRequest {
  readonly key: StoreKey;
  /** Equal for equal requests. */
  readonly fingerprint: string;
  readonly count: number;
  /** Builds the notifications with these ids, in order, accepted at this time (epoch ms). */
  readonly stamp: (ids: readonly string[], acceptedAt: number) => readonly Notification[];
}

/** The accepted notifications. */
export interface Published {
  readonly ids: readonly string[];
  /** True where the same request was accepted before under this idempotency key. */
  readonly replayed: boolean;
}

/** The stored state of a key. */
interface IdempotencyRecord {
  readonly v: 1;
  readonly fingerprint: string;
  readonly ids: readonly string[];
  /** Absent once the request is accepted. */
  readonly pending?: {
    /** Epoch ms; 0 after a known failure. */
    readonly since: number;
    readonly acceptedAt: number;
  };
}

type IdempotencyState = "accepted" | "another request" | "in progress" | "unfinished";

/** No request to the store takes longer, so an older reservation is abandoned. */
const IN_PROGRESS_MS = 10_000;

/** Returns the state of a key for a request. Times are epoch milliseconds. */
export function idempotencyStateOf(
  known: IdempotencyRecord,
  { fingerprint, now }: { readonly fingerprint: string; readonly now: number },
): IdempotencyState {
  if (known.fingerprint !== fingerprint) return "another request";
  if (known.pending === undefined) return "accepted";
  // The clocks of nodes differ, so `since` may be later than `now`.
  return Math.abs(now - known.pending.since) < IN_PROGRESS_MS ? "in progress" : "unfinished";
}

/**
 * Creates the function that publishes. Requests of this process with the same key must not overlap.
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

  /** Returns the ids of an accepted request, or `undefined` where it must be finished. */
  function replayOf(known: IdempotencyRecord, fingerprint: string): Published | undefined {
    switch (idempotencyStateOf(known, { fingerprint, now: clock.now() })) {
      case "accepted":
        return { ids: known.ids, replayed: true };
      case "unfinished":
        return undefined;
      case "in progress":
        throw requestInProgress();
      case "another request":
        throw new ServiceError(
          "idempotency_mismatch",
          "Cannot publish: the idempotency key was used for another request",
        );
    }
  }

  async function publishWithRecord(
    { key, fingerprint, count, stamp }: KeyedRequest,
  ): Promise<Published> {
    const known = await store.get<IdempotencyRecord>(key);
    const replayed = known && replayOf(known.value, fingerprint);
    if (replayed) return replayed;
    const value: IdempotencyRecord = { v: 1, fingerprint, ids: newIds(count) };
    await buffer.put(stamp(value.ids, clock.now()), [set(key, value)]);
    return { ids: value.ids, replayed: false };
  }

  async function publishReserved(request: KeyedRequest): Promise<Published> {
    const { key, fingerprint, count } = request;
    // A buffer that stores records needs ids in the order of the calls, so they are made later.
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
    const replayed = replayOf(known.value, fingerprint);
    if (replayed) return replayed;
    const own = await claimUnfinished(known);
    if (own === undefined) throw requestInProgress();
    return await finish(request, own, { isRepeat: true });
  }

  /** `undefined` where another request was first. */
  async function claimUnfinished({ key, value, version }: StoreEntry<IdempotencyRecord>) {
    const pending = { since: clock.now(), acceptedAt: value.pending!.acceptedAt };
    const own: IdempotencyRecord = { ...value, pending };
    const done = await store.commit({ checks: [{ key, version }], sets: [set(key, own)] });
    return done ? own : undefined;
  }

  async function finish(
    { key, fingerprint, count, stamp }: KeyedRequest,
    own: IdempotencyRecord,
    { isRepeat }: { readonly isRepeat: boolean },
  ): Promise<Published> {
    const { acceptedAt } = own.pending!;
    try {
      if (takesRecords) {
        // The record would be complete if anything had been accepted, so new ids are safe.
        const done: IdempotencyRecord = { v: 1, fingerprint, ids: newIds(count) };
        await buffer.put(stamp(done.ids, clock.now()), [set(key, done)]);
        return { ids: done.ids, replayed: false };
      }
      await buffer.put(stamp(own.ids, acceptedAt), [], { isRepeat });
    } catch (thrown) {
      await markFailed(key, own);
      throw thrown;
    }
    const done: IdempotencyRecord = { v: 1, fingerprint, ids: own.ids };
    // If this fails, a repeated request finds it unfinished, and the buffer knows the ids.
    store.commit({ sets: [set(key, done)] }).catch(() => {});
    return { ids: own.ids, replayed: false };
  }

  /** Lets a repeated request continue at once; if this fails, after {@link IN_PROGRESS_MS}. */
  async function markFailed(key: StoreKey, { pending, ...own }: IdempotencyRecord): Promise<void> {
    try {
      const known = await store.get<IdempotencyRecord>(key);
      if (known?.value.pending?.since !== pending!.since) return;
      const failed: IdempotencyRecord = { ...own, pending: { ...pending!, since: 0 } };
      await store.commit({
        checks: [{ key, version: known.version }],
        sets: [set(key, failed)],
      });
    } catch {
      // The error of the publish already says it.
    }
  }

  return takesRecords && !store.traits.shared ? publishWithRecord : publishReserved;
}

/**
 * Returns the ids under which a request was accepted, or may have been in part; `undefined` where
 * nothing was accepted under this key.
 */
export async function acceptedIds(
  store: Pick<Store, "get">,
  key: StoreKey,
): Promise<readonly string[] | undefined> {
  const known = await store.get<IdempotencyRecord>(key);
  return known && known.value.ids.length > 0 ? known.value.ids : undefined;
}

/** The error for a key whose request is still in progress. */
export function requestInProgress(): ServiceError {
  const message = "Cannot publish: a request with this idempotency key is in progress";
  return new ServiceError("idempotency_conflict", message, { retryAfterSeconds: 1 });
}
