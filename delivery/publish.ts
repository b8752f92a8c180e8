/**
 * Accepts published notifications: checks permissions, sizes and limits, assigns ids and puts them
 * into the buffer, which makes them durable before the publisher gets its answer.
 */

import { createHash } from "node:crypto";
import { type Fault, ServiceError } from "../core/errors.ts";
import { canonicalJson, type JsonObject, type JsonText } from "../core/json.ts";
import type { Notification, Priority } from "../core/notification.ts";
import { allows, type Principal } from "../core/principal.ts";
import type { PublishLimits } from "./publish_limits.ts";
import {
  createPublishOnce,
  type Published,
  type PublishOnceOptions,
  requestInProgress,
} from "./publish_once.ts";

export type { Published };

/** A notification as a publisher writes it; its shape is already checked. */
export interface NotificationDraft {
  readonly context: string;
  readonly user: string;
  readonly topic: string;
  /** A JSON object. */
  readonly data: JsonText;
  readonly priority?: Priority | undefined;
  /** Seconds for which delivery makes sense. */
  readonly ttl?: number | undefined;
  readonly sourceToken?: string | undefined;
  readonly collapseKey?: string | undefined;
}

interface PublishOptions extends PublishOnceOptions {
  readonly maxPayloadBytes: () => number;
  readonly limits: PublishLimits;
}

/** One publish request. */
interface PublishRequest {
  readonly drafts: readonly NotificationDraft[];
  /** True where the body was a single notification, which changes the paths of faults. */
  readonly alone?: boolean;
  readonly idempotencyKey?: string | undefined;
  /** Trace context that the notifications keep. */
  readonly traceparent?: string | undefined;
}

/** Publishes for a principal; see {@link createPublish}. */
export type Publish = (principal: Principal, request: PublishRequest) => Promise<Published>;

/**
 * Creates the function that publishes a request, all or nothing.
 *
 * @throws {ServiceError} `forbidden`, `payload_too_large`, `too_many_requests`,
 * `idempotency_conflict`, `idempotency_mismatch`, and what {@link Buffer.put} throws.
 */
export function createPublish(options: PublishOptions): Publish {
  const { buffer, clock, ids, maxPayloadBytes, limits } = options;
  const publishOnce = createPublishOnce(options);
  /** Idempotency keys that this process is working on. */
  const inProgress = new Set<string>();

  function check(principal: Principal, { drafts, alone }: PublishRequest): void {
    const limit = maxPayloadBytes();
    const faults: Fault[] = [];
    let allowed: string | undefined;
    drafts.forEach(({ context, data }, index) => {
      if (context === allowed && !exceeds(data, limit)) return;
      const within = alone ? "" : `notifications[${index}].`;
      if (allows(principal, "publish", context)) allowed = context;
      else {
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

  return async (principal, request) => {
    check(principal, request);
    const { drafts, idempotencyKey, traceparent } = request;
    const limited = limits(principal, drafts);
    if (limited) await limited;
    const stamp = (newIds: readonly string[], acceptedAt: number) =>
      drafts.map((draft, at) =>
        notificationOf(draft, { id: newIds[at]!, acceptedAt, traceparent })
      );
    if (idempotencyKey === undefined) {
      const newIds = drafts.map(() => ids());
      await buffer.put(stamp(newIds, clock.now()));
      return { ids: newIds, replayed: false };
    }
    const key = ["idempotency", principal.id, hash(idempotencyKey)];
    const name = key.join();
    if (inProgress.has(name)) throw requestInProgress();
    inProgress.add(name);
    try {
      const fingerprint = hash(canonicalJson(drafts.map(parsed)));
      return await publishOnce({ key, fingerprint, count: drafts.length, stamp });
    } finally {
      inProgress.delete(name);
    }
  };
}

/** Parses the data, so that drafts with the same content are equal. */
function parsed(draft: NotificationDraft): JsonObject {
  return { ...draft, data: JSON.parse(draft.data) } as JsonObject;
}

function notificationOf(
  draft: NotificationDraft,
  { id, acceptedAt, traceparent }: Pick<Notification, "id" | "acceptedAt"> & {
    readonly traceparent: string | undefined;
  },
): Notification {
  const { context, user, topic, data, priority = "high", ttl, sourceToken, collapseKey } = draft;
  const notification = { id, context, user, topic, data, priority, acceptedAt };
  if (
    ttl === undefined && sourceToken === undefined && collapseKey === undefined &&
    traceparent === undefined
  ) {
    return notification;
  }
  return {
    ...notification,
    ...(ttl !== undefined && { expiresAt: acceptedAt + ttl * 1000 }),
    ...(sourceToken !== undefined && { sourceToken }),
    ...(collapseKey !== undefined && { collapseKey }),
    ...(traceparent !== undefined && { traceparent }),
  };
}

/** Whether a text has more than `limit` bytes in UTF-8. */
function exceeds(text: string, limit: number): boolean {
  if (text.length * 3 <= limit) return false; // a UTF-16 unit takes at most three bytes
  return text.length > limit || new TextEncoder().encode(text).length > limit;
}

function hash(text: string): string {
  return createHash("sha256").update(text).digest("base64url");
}
