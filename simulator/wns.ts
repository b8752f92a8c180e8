/** A fake WNS: `POST` to a channel address with an access token. Every channel exists. */

import type { IssuedTokens } from "./access_tokens.ts";
import { bodyText, type ProviderHandler, type ProviderRequest } from "./exchange.ts";
import type { FaultDecision } from "./faults.ts";
import {
  answerPush,
  type FakeAnswer,
  type FakeDeps,
  type FakeRefusal,
  pickHeaders,
  retryAfter,
} from "./fake_answers.ts";
import { wnsFault } from "./wns_rules.ts";

interface FakeWnsOptions extends FakeDeps {
  readonly tokens: IssuedTokens;
}

/** Path of the channels; the `token` parameter names the channel, as at Microsoft. */
export const WNS_CHANNEL_PATH = "/w/";

const GONE: FakeRefusal = { status: 410, reason: "The channel expired" };
const KEPT_HEADERS = [
  "content-type",
  "x-wns-type",
  "x-wns-cache-policy",
  "x-wns-ttl",
  "x-wns-tag",
  "x-wns-group",
  "x-wns-priority",
  "ms-cv",
];
/** Statuses that a fault can name in an answer with status 200. */
const DROPPED = new Set(["dropped", "channelthrottled"]);

/** Creates the handler of the fake. */
export function createWns(options: FakeWnsOptions): ProviderHandler {
  return (request) => {
    const channel = request.path === WNS_CHANNEL_PATH ? request.query.get("token") ?? "" : "";
    const refusal = senderFault(request, channel, options) ?? wnsFault(request);
    const refuse = (fault: FakeRefusal) => refused(fault, request);
    return answerPush(options, {
      provider: "wns",
      token: channel,
      headers: pickHeaders(request, KEPT_HEADERS),
      payload: () => bodyText(request),
      refused: refusal && refuse(refusal),
      gone: GONE,
      refuse,
      accept: (decision) => taken(decision, request),
    });
  };
}

function senderFault(
  request: ProviderRequest,
  channel: string,
  { tokens }: Pick<FakeWnsOptions, "tokens">,
): FakeRefusal | undefined {
  if (request.method !== "POST") return { status: 405, reason: "Method not allowed" };
  if (!tokens.accepts(request.headers.authorization)) {
    return { status: 401, reason: "The access token is invalid or expired" };
  }
  if (channel === "") return { status: 404, reason: "The channel is not known" };
}

function taken(decision: FaultDecision, request: ProviderRequest): FakeAnswer {
  const { does } = decision;
  const word = does.kind === "answer" && does.reason !== undefined && DROPPED.has(does.reason)
    ? does.reason
    : "received";
  const id = crypto.randomUUID();
  return {
    id,
    ...word !== "received" && { reason: word },
    answer: {
      kind: "reply",
      status: 200,
      headers: {
        ...commonHeaders(request, word),
        "x-wns-msg-id": id,
        "x-wns-deviceconnectionstatus": "connected",
        ...retryAfter({ status: 200, ...decision }),
      },
    },
  };
}

function refused(refusal: FakeRefusal, request: ProviderRequest): FakeAnswer {
  const reason = refusal.reason ?? "Error";
  return {
    reason,
    answer: {
      kind: "reply",
      status: refusal.status,
      headers: {
        ...commonHeaders(request, "dropped"),
        "x-wns-error-description": reason,
        ...retryAfter(refusal),
      },
    },
  };
}

/** Sends the status under its older name as well. */
function commonHeaders(request: ProviderRequest, word: string): Record<string, string> {
  const vector = request.headers["ms-cv"];
  return {
    "x-wns-status": word,
    "x-wns-notificationstatus": word,
    "x-wns-debug-trace": "simulator",
    ...vector !== undefined && { "ms-cv": vector },
  };
}
