/**
 * A fake APNs: `POST /3/device/<token>` with a provider token or a client certificate. It accepts
 * every well-formed device token, unless a fault says otherwise.
 */

import { X509Certificate } from "node:crypto";
import { checkApnsRequest } from "./apns_rules.ts";
import type { ApnsTokenCheck, TokenHistory } from "./apns_token.ts";
import {
  type FakeConnection,
  jsonReply,
  type ProviderHandler,
  type ProviderRequest,
} from "./exchange.ts";
import {
  answerPush,
  type FakeAnswer,
  type FakeDeps,
  type FakeRefusal,
  pickHeaders,
} from "./fake_answers.ts";

interface ApnsOptions extends FakeDeps {
  readonly checkToken: ApnsTokenCheck;
  /** Bundle ids that the token keys may push to. */
  readonly bundleIds: ReadonlySet<string>;
  /** Streams of a connection whose sender is authenticated. */
  readonly streams: number;
  /** Epoch milliseconds. */
  readonly now: () => number;
}

interface Caller extends TokenHistory {
  trusted: boolean;
  /** From its certificate. */
  readonly bundleIds?: ReadonlySet<string>;
}

const PATH = "/3/device/";
const GONE: FakeRefusal = { status: 410, reason: "Unregistered" };
const KEPT_HEADERS = [
  "apns-id",
  "apns-topic",
  "apns-push-type",
  "apns-priority",
  "apns-expiration",
  "apns-collapse-id",
];

/** Apple's reasons for a fault with a status but no reason. */
const REASONS: Readonly<Record<number, string>> = {
  400: "BadDeviceToken",
  403: "Forbidden",
  410: "Unregistered",
  413: "PayloadTooLarge",
  429: "TooManyRequests",
  500: "InternalServerError",
  503: "ServiceUnavailable",
};

/** Creates the handler of a fake APNs. */
export function createApns(options: ApnsOptions): ProviderHandler {
  const callers = new WeakMap<FakeConnection, Caller>();

  /** Authenticates the caller: with a certificate, the token is ignored. */
  function authenticate(request: ProviderRequest, caller: Caller): FakeRefusal | undefined {
    const { connection, headers } = request;
    if (connection.certificate !== undefined) {
      if (caller.bundleIds === undefined) return { status: 403, reason: "BadCertificate" };
    } else {
      const [, token] = /^bearer (\S+)$/i.exec(headers.authorization ?? "") ?? [];
      if (token === undefined) return { status: 403, reason: "MissingProviderToken" };
      const refusal = options.checkToken(token, caller);
      if (refusal !== undefined) return refusal;
    }
    if (!caller.trusted) {
      caller.trusted = true;
      connection.limitStreams(options.streams);
    }
  }

  return (request) => {
    const id = request.headers["apns-id"] ?? crypto.randomUUID();
    const misdirected = pathFault(request);
    if (misdirected !== undefined) return refused(id, misdirected, options.now()).answer;
    const deviceToken = request.path.slice(PATH.length);
    const caller = callers.getOrInsertComputed(request.connection, describeCaller);
    const refusal = authenticate(request, caller);
    const checked = refusal === undefined
      ? checkApnsRequest({
        ...request,
        deviceToken,
        bundleIds: caller.bundleIds ?? options.bundleIds,
        byCertificate: caller.bundleIds !== undefined,
      })
      : { ok: false as const, ...refusal };
    const refuse = (refusal: FakeRefusal) => refused(id, refusal, options.now());
    return answerPush(options, {
      provider: "apn",
      token: deviceToken,
      headers: pickHeaders(request, KEPT_HEADERS),
      payload: () => checked.ok ? checked.payload : undefined,
      refused: checked.ok ? undefined : refuse(checked),
      gone: GONE,
      refuse,
      accept: () => accepted(id),
    });
  };
}

function pathFault({ method, path }: ProviderRequest): FakeRefusal | undefined {
  if (method !== "POST") return { status: 405, reason: "MethodNotAllowed" };
  if (!path.startsWith(PATH)) return { status: 404, reason: "BadPath" };
  if (path === PATH) return { status: 400, reason: "MissingDeviceToken" };
}

function describeCaller({ certificate, certificateTrusted }: FakeConnection): Caller {
  if (certificate === undefined || !certificateTrusted) return { trusted: false };
  const { subject } = new X509Certificate(certificate);
  // The subject's user id is the bundle id; Node and Deno write its name differently.
  const [, bundleId] = /^(?:UID|uid|userId)=(.+)$/m.exec(subject) ?? [];
  return bundleId === undefined
    ? { trusted: false }
    : { trusted: false, bundleIds: new Set([bundleId]) };
}

function accepted(id: string): FakeAnswer {
  return { answer: { kind: "reply", status: 200, headers: { "apns-id": id } }, id };
}

function refused(id: string, { status, reason: given }: FakeRefusal, now: number): FakeAnswer {
  const reason = given ?? REASONS[status] ?? "InternalServerError";
  // Only a 410 names the time since when the token is dead.
  const body = status === 410 ? { reason, timestamp: now } : { reason };
  return { answer: jsonReply(status, body, { "apns-id": id }), reason, id };
}
