/**
 * Reads the body of a webhook of the Open-Xchange middleware, from 8.18 on:
 * `{"event":…,"payload":{…,"user":3,"context":1},"timestamp":…}`. Pure; who sent it is not known here.
 */

import { z } from "zod";
import { ServiceError } from "../core/errors.ts";
import { isJsonObject, type JsonObject } from "../core/json.ts";
import { isWildcard, topicFault } from "../core/topic.ts";
import type { NotificationDraft } from "../delivery/mod.ts";

interface WebhookEvent {
  readonly draft: NotificationDraft;
  /** Epoch milliseconds, as the body says; absent where it does not. */
  readonly timestamp?: number;
}

/** The middleware's ids are whole numbers from 1 on. */
const id = z.union([
  z.int().positive(),
  z.string().regex(/^[1-9]\d{0,15}$/),
], { error: "must be a whole number from 1 on" }).transform(String);

/** The shape of the body; fields that are not listed belong to the notification. */
export const webhookBody = z.object({
  event: z.string(),
  payload: z.looseObject({
    user: id,
    context: id,
    sourceToken: z.string().min(1).max(4096).nullish(),
  }),
  timestamp: z.int().nonnegative().optional(),
});

/**
 * Returns the notification that a body stands for. Its data are the payload without what the
 * middleware's generator added: user, context, source and the user's own address.
 *
 * @throws {ServiceError} `invalid_request`, `invalid_topic`
 */
export function readWebhookEvent(text: string): WebhookEvent {
  const body = parse(text);
  const checked = webhookBody.safeParse(body);
  if (!checked.success) {
    const faults = checked.error.issues.slice(0, 10).map(({ path, message }) => ({
      path: path.map(String).join("."),
      message,
    }));
    const [first] = faults;
    throw invalid(`${first!.path || "body"}: ${first!.message}`, faults);
  }
  const { event, payload, timestamp } = checked.data;
  const fault = topicFault(event) ??
    (isWildcard(event) ? "a notification needs a topic without a wildcard" : undefined);
  if (fault) {
    throw new ServiceError("invalid_topic", `Cannot accept the webhook: event: ${fault}`);
  }
  const { user, context, sourceToken, email1: _, ...data } = payload;
  return {
    draft: {
      ...{ context, user, topic: event, data: JSON.stringify(data) },
      ...sourceToken && { sourceToken },
    },
    ...timestamp !== undefined && { timestamp },
  };
}

function parse(text: string): JsonObject {
  let body: unknown;
  try {
    body = JSON.parse(text);
  } catch {
    throw invalid("the body is no JSON");
  }
  if (!isJsonObject(body)) throw invalid("the body is no JSON object");
  return body;
}

function invalid(
  reason: string,
  faults: readonly { readonly path: string; readonly message: string }[] = [],
): ServiceError {
  return new ServiceError("invalid_request", `Cannot accept the webhook: ${reason}`, { faults });
}
