/**
 * A fake of the legacy GCM and FCM format, which Google has shut: `key=` authorization, up to 1,000
 * tokens in a request, one result for each (Google: "Firebase Cloud Messaging HTTP protocol").
 */

import { isJsonObject, type JsonObject } from "../core/json.ts";
import { bodyJson, jsonReply, type ProviderAnswer, type ProviderHandler } from "./exchange.ts";
import { type FaultDecision, PROCEED } from "./faults.ts";
import {
  applyFault,
  type FakeAnswer,
  type FakeDeps,
  type FakeRefusal,
  logAnswer,
  retryAfter,
} from "./fake_answers.ts";

interface FakeGcmOptions extends FakeDeps {
  readonly key: string;
}

interface Result {
  readonly message_id?: string;
  readonly registration_id?: string;
  readonly error?: string;
}

/** The paths that served the format over the years. */
export const GCM_PATHS: ReadonlySet<string> = new Set(["/gcm/send", "/fcm/send"]);

const MAX_TOKENS = 1000;
const MAX_BYTES = 4096;
const MAX_TTL_SECONDS = 2_419_200;
/** A result's error for what would be the status of a request. */
const ERRORS: Readonly<Record<number, string>> = {
  429: "DeviceMessageRateExceeded",
  500: "InternalServerError",
  503: "Unavailable",
};

/** Creates the handler of the fake. */
export function createGcm({ key, faults, received }: FakeGcmOptions): ProviderHandler {
  return (request) => {
    if (request.headers.authorization !== `key=${key}`) return html(401, "Unauthorized");
    const body = bodyJson(request);
    const tokens = isJsonObject(body as JsonObject) ? targets(body as JsonObject) : undefined;
    if (tokens === undefined) return html(400, "Invalid request");
    const bodyError = payloadError(body as JsonObject);
    const decisions = tokens.map((token) =>
      bodyError === undefined ? faults.decide("gcm", token) : PROCEED
    );
    const whole = wholeFault(decisions, tokens.length);
    const results = tokens.map((token, index) => resultOf(token, decisions[index]!, bodyError));
    const answer = whole?.answer ?? reply(results, decisions);
    tokens.forEach((token, index) => {
      const { error, message_id: id } = results[index]!;
      logAnswer(received, { answer, reason: whole?.reason ?? error, id }, {
        provider: "gcm",
        token,
        headers: {},
        payload: () => body as JsonObject,
      });
    });
    const latencyMs = Math.max(0, ...decisions.map((decision) => decision.latencyMs));
    return answer.kind === "reply" ? { ...answer, latencyMs } : answer;
  };
}

/** Returns the tokens in a body, or `undefined` where they are invalid. */
function targets(body: JsonObject): readonly string[] | undefined {
  const { to, registration_ids: many, condition } = body;
  if ([to, many, condition].filter((target) => target !== undefined).length !== 1) return undefined;
  const list = Array.isArray(many) ? many : [to ?? condition];
  const valid = list.length >= 1 && list.length <= MAX_TOKENS &&
    list.every((token) => typeof token === "string");
  return valid ? list as string[] : undefined;
}

/** What is wrong with the message for every token. */
function payloadError(body: JsonObject): string | undefined {
  const { data = {}, notification = {}, time_to_live: ttl } = body;
  if (ttl !== undefined) {
    const valid = typeof ttl === "number" && Number.isInteger(ttl) && ttl >= 0 &&
      ttl <= MAX_TTL_SECONDS;
    if (!valid) return "InvalidTtl";
  }
  const keys = Object.keys(data ?? {});
  if (keys.some((name) => name === "from" || name === "gcm" || name.startsWith("google"))) {
    return "InvalidDataKey";
  }
  const size = new TextEncoder().encode(JSON.stringify({ data, notification })).length;
  if (size > MAX_BYTES) return "MessageTooBig";
}

/** A fault of the request as a whole. */
function wholeFault(decisions: readonly FaultDecision[], count: number): FakeAnswer | undefined {
  for (const decision of decisions) {
    const { does } = decision;
    // Among several tokens, one with an error has its own result.
    const perToken = does.kind === "gone" || (does.kind === "answer" && count > 1);
    if (perToken) continue;
    const answer = applyFault(decision, { gone: { status: 200 }, refuse });
    if (answer !== undefined) return answer;
  }
}

function resultOf(token: string, { does }: FaultDecision, bodyError: string | undefined): Result {
  if (bodyError !== undefined) return { error: bodyError };
  if (token === "") return { error: "MissingRegistration" };
  if (!/^[\w:./-]{8,4096}$/.test(token)) return { error: "InvalidRegistration" };
  if (does.kind === "gone") return { error: "NotRegistered" };
  if (does.kind === "answer") {
    const error = does.reason ?? ERRORS[does.status];
    if (error !== undefined) return { error };
  }
  const message_id = `0:${crypto.randomUUID()}`;
  return does.kind === "moved" ? { message_id, registration_id: does.token } : { message_id };
}

function reply(results: readonly Result[], decisions: readonly FaultDecision[]): ProviderAnswer {
  const failure = results.filter(({ error }) => error !== undefined).length;
  const retry = decisions.find(({ retryAfterSeconds }) => retryAfterSeconds !== undefined);
  return jsonReply(200, {
    multicast_id: crypto.getRandomValues(new Uint32Array(1))[0],
    success: results.length - failure,
    failure,
    canonical_ids: results.filter(({ registration_id: id }) => id !== undefined).length,
    results,
  }, retry === undefined ? {} : retryAfter({ status: 200, ...retry }));
}

function refuse(refusal: FakeRefusal): FakeAnswer {
  const reason = refusal.reason ?? ERRORS[refusal.status] ?? "error";
  return { answer: html(refusal.status, reason, retryAfter(refusal)), reason };
}

function html(
  status: number,
  text: string,
  headers: Readonly<Record<string, string>> = {},
): ProviderAnswer {
  return {
    kind: "reply",
    status,
    headers: { "content-type": "text/html; charset=utf-8", ...headers },
    body: `<HTML><TITLE>${text}</TITLE><H1>${text}</H1></HTML>`,
  };
}
