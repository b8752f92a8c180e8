/**
 * Accepts what is published: checks what the principal may, stamps ids, and puts everything into
 * the buffer, which makes it durable before the caller is told.
 */

import { createHash } from "node:crypto";
import type { Buffer } from "../buffer/mod.ts";
import type { Clock } from "../core/clock.ts";
import { type Fault, ServiceError } from "../core/errors.ts";
import type { IdSource } from "../core/ids.ts";
import { canonicalJson, type Json, type JsonObject } from "../core/json.ts";
import type { Notification, Priority } from "../core/notification.ts";
import { allows, type Principal } from "../core/principal.ts";
import type { Store, StoreKey } from "../core/store.ts";

/** A notification as a publisher writes it, checked for shape. */
export interface Draft {
  readonly context: string;
  readonly user: string;
  readonly topic: string;
  readonly data: JsonObject;
  readonly priority?: Priority | undefined;
  /** Seconds for which it is worth delivering. */
  readonly ttl?: number | undefined;
  readonly sourceToken?: string | undefined;
  readonly collapseKey?: string | undefined;
}

/** What publishing needs. */
export interface PublishOptions {
  readonly buffer: Pick<Buffer, "put">;
  readonly store: Store;
  readonly clock: Clock;
  readonly ids: IdSource;
  readonly maxPayloadBytes: () => number;
  /** Milliseconds for which an idempotency key is remembered. */
  readonly idempotencyMs: () => number;
}

/** How a request is published. */
export interface PublishRequest {
  readonly drafts: readonly Draft[];
  /** There is one, and it came without a list; faults are named accordingly. */
  readonly alone?: boolean;
  readonly idempotencyKey?: string | undefined;
}

/** What was accepted. */
export interface Published {
  readonly ids: readonly string[];
  /** The same request had been accepted before, under the same idempotency key. */
  readonly replayed: boolean;
}

/** Publishes for a principal; see {@link createPublish}. */
export type Publish = (principal: Principal, request: PublishRequest) => Promise<Published>;

interface Remembered {
  readonly v: 1;
  readonly fingerprint: string;
  readonly ids: readonly string[];
}

/**
 * All or nothing per request.
 *
 * @throws {ServiceError} `forbidden`, `payload_too_large`, `idempotency_conflict`,
 * `idempotency_mismatch`, and what {@link Buffer.put} throws.
 */
export function createPublish(options: PublishOptions): Publish {
  const { buffer, store, clock, ids, maxPayloadBytes, idempotencyMs } = options;
  const underWay = new Set<string>();

  function check(principal: Principal, { drafts, alone }: PublishRequest): void {
    const limit = maxPayloadBytes();
    const faults: Fault[] = [];
    drafts.forEach(({ context, data }, index) => {
      const within = alone ? "" : `notifications[${index}].`;
      if (!allows(principal, "publish", context)) {
        const message = `the credential does not allow publishing in context ${context}`;
        faults.push({ path: `${within}context`, message, code: "forbidden" });
      }
      if (exceeds(data, limit)) {
        const message = `data has more than ${limit} bytes`;
        faults.push({ path: `${within}data`, message, code: "payload_too_large" });
      }
    });
    const [first] = faults;
    if (first) throw new ServiceError(first.code!, `Cannot publish: ${first.message}`, { faults });
  }

  function stamp(draft: Draft): Notification {
    const { context, user, topic, data, priority = "high", ttl, sourceToken, collapseKey } = draft;
    const acceptedAt = clock.now();
    return {
      id: ids(),
      context,
      user,
      topic,
      data,
      priority,
      acceptedAt,
      ...(ttl !== undefined && { expiresAt: acceptedAt + ttl * 1000 }),
      ...(sourceToken !== undefined && { sourceToken }),
      ...(collapseKey !== undefined && { collapseKey }),
    };
  }

  async function publishOnce(
    drafts: readonly Draft[],
    key: StoreKey,
  ): Promise<Published> {
    const fingerprint = hash(canonicalJson(drafts as unknown as Json));
    const known = await store.get<Remembered>(key);
    if (known && known.value.fingerprint !== fingerprint) {
      throw new ServiceError(
        "idempotency_mismatch",
        "Cannot publish: the idempotency key was used for another request",
      );
    }
    if (known) return { ids: known.value.ids, replayed: true };
    const notifications = drafts.map(stamp);
    const value: Remembered = { v: 1, fingerprint, ids: notifications.map(({ id }) => id) };
    await buffer.put(notifications, [{ key, value, expireInMs: idempotencyMs() }]);
    return { ids: value.ids, replayed: false };
  }

  return async (principal, request) => {
    check(principal, request);
    const { drafts, idempotencyKey } = request;
    if (idempotencyKey === undefined) {
      const notifications = drafts.map(stamp);
      await buffer.put(notifications);
      return { ids: notifications.map(({ id }) => id), replayed: false };
    }
    const key = ["idempotency", principal.id, hash(idempotencyKey)];
    const name = key.join();
    if (underWay.has(name)) {
      const message = "Cannot publish: a request with this idempotency key is under way";
      throw new ServiceError("idempotency_conflict", message, { retryAfterSeconds: 1 });
    }
    underWay.add(name);
    try {
      return await publishOnce(drafts, key);
    } finally {
      underWay.delete(name);
    }
  };
}

/** Whether the JSON of `data` has more than `limit` bytes in UTF-8. */
function exceeds(data: JsonObject, limit: number): boolean {
  const text = JSON.stringify(data);
  if (text.length * 3 <= limit) return false; // three bytes at most for a UTF-16 unit
  return text.length > limit || new TextEncoder().encode(text).length > limit;
}

function hash(text: string): string {
  return createHash("sha256").update(text).digest("base64url");
}
