/** The request to subscribe and its validation. */

import { type Fault, refuseFaults } from "../core/errors.ts";
import type { Subscription } from "../core/subscription.ts";
import { topicFault } from "../core/topic.ts";

/** A request to subscribe. The token is in the transport's canonical form. */
export type SubscribeRequest = Omit<Subscription, "id" | "createdAt" | "refreshedAt">;

/** Characters. Context and user are parts of keys, and a stored key takes 2,048 bytes. */
const MAX_LENGTHS = { context: 255, user: 255, client: 64, token: 4096 };
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
  const { expiresAt, meta } = request;
  const names = Object.keys(MAX_LENGTHS) as (keyof typeof MAX_LENGTHS)[];
  const faults: Fault[] = names.filter((name) => {
    const { length } = request[name];
    return length === 0 || length > MAX_LENGTHS[name] || /\p{Cc}/u.test(request[name]);
  }).map((path) => ({
    path,
    message: `1 to ${MAX_LENGTHS[path]} characters are needed, without control characters`,
  }));
  if (expiresAt !== undefined && !(Number.isSafeInteger(expiresAt) && expiresAt > now)) {
    const message = "a time in the future is needed, in epoch milliseconds";
    faults.push({ path: "expires", message });
  }
  if (new TextEncoder().encode(JSON.stringify(meta ?? {})).length > MAX_META_BYTES) {
    faults.push({ path: "meta", message: `at most ${MAX_META_BYTES} bytes are allowed` });
  }
  return faults;
}
