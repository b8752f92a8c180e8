/** The request to subscribe and its validation. */

import { type Fault, refuseFaults } from "../core/errors.ts";
import type { Subscription } from "../core/subscription.ts";
import { topicFault } from "../core/topic.ts";

/** A request to subscribe. The token is in the transport's canonical form. */
export type SubscribeRequest = Omit<Subscription, "id" | "createdAt" | "refreshedAt">;

/** The longest context and user, in characters: a stored key takes 2,048 bytes. */
const MAX_NAME_LENGTH = 255;
const MAX_CLIENT_LENGTH = 64;
const MAX_TOKEN_LENGTH = 4096;
const MAX_TOPICS = 64;
/** Bytes of `meta` as JSON. */
const MAX_META_BYTES = 2048;

/**
 * Validates a request and normalizes its topics: no duplicates, and `*` alone where it is among
 * them.
 *
 * @throws {ServiceError} `invalid_topic` or `invalid_request`, with every fault that was found.
 */
export function checkSubscribeRequest(request: SubscribeRequest, now: number): SubscribeRequest {
  const topicFaults = faultsOfTopics(request.topics);
  const faults = [...faultsOfRest(request, now), ...topicFaults];
  // Only where nothing else is wrong.
  const isTopic = faults.every(({ code }) => code === "invalid_topic");
  refuseFaults("Cannot subscribe", faults, isTopic ? "invalid_topic" : "invalid_request");
  const topics = request.topics.includes("*") ? ["*"] : [...new Set(request.topics)];
  return { ...request, topics };
}

function faultsOfTopics(topics: readonly string[]): Fault[] {
  if (topics.length === 0) return [{ path: "topics", message: "at least one topic is needed" }];
  if (topics.length > MAX_TOPICS) {
    return [{ path: "topics", message: `at most ${MAX_TOPICS} topics are allowed` }];
  }
  return topics.flatMap((topic, index) => {
    const message = topicFault(topic);
    return message === undefined
      ? []
      : [{ path: `topics[${index}]`, message, code: "invalid_topic" }];
  });
}

function faultsOfRest(request: SubscribeRequest, now: number): Fault[] {
  const { context, user, client, token, expiresAt, meta } = request;
  const faults: Fault[] = [];
  function expect(path: string, { holds, message }: { holds: boolean; message: string }): void {
    if (!holds) faults.push({ path, message });
  }
  for (
    const [path, text, limit] of [
      ["context", context, MAX_NAME_LENGTH],
      ["user", user, MAX_NAME_LENGTH],
      ["client", client, MAX_CLIENT_LENGTH],
      ["token", token, MAX_TOKEN_LENGTH],
    ] as const
  ) {
    expect(path, {
      holds: text.length >= 1 && text.length <= limit && !/\p{Cc}/u.test(text),
      message: `1 to ${limit} characters are needed, without control characters`,
    });
  }
  if (expiresAt !== undefined) {
    expect("expires", {
      holds: Number.isSafeInteger(expiresAt) && expiresAt > now,
      message: "a time in the future is needed, in epoch milliseconds",
    });
  }
  if (meta !== undefined) {
    expect("meta", {
      holds: new TextEncoder().encode(JSON.stringify(meta)).byteLength <= MAX_META_BYTES,
      message: `at most ${MAX_META_BYTES} bytes are allowed`,
    });
  }
  return faults;
}
