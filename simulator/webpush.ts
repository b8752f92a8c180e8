/**
 * A fake push service and the browsers that subscribe to it (RFC 8030). Unlike a real one it has
 * the browsers' private keys and decrypts every message; it refuses what it cannot decrypt, because
 * no browser could show it.
 */

import { setNewest } from "../core/bounded_map.ts";
import type { Json } from "../core/json.ts";
import { type BrowserKeys, openAes128gcm } from "./aes128gcm.ts";
import type { ProviderHandler, ProviderRequest } from "./exchange.ts";
import { faultToken } from "./fault_script.ts";
import { fromBase64url } from "./jwt.ts";
import { createBrowserKeys } from "./material.ts";
import {
  answerPush,
  type FakeAnswer,
  type FakeDeps,
  type FakeRefusal,
  pickHeaders,
  refuseAs,
} from "./fake_answers.ts";
import { checkVapid } from "./vapid_rules.ts";

/** The result of a browser's `PushSubscription.toJSON()`. */
export interface BrowserSubscription {
  readonly endpoint: string;
  readonly keys: { readonly p256dh: string; readonly auth: string };
}

/** Options of a new subscription. */
export interface SubscribeOptions {
  /** The sender's VAPID key, base64url; other senders are then refused. */
  readonly applicationServerKey?: string;
  /** A fault script for everything sent to it. */
  readonly fault?: string;
  /** Keys and name to reuse; absent: new ones. */
  readonly keys?: BrowserKeys;
  readonly name?: string;
}

/** The push service. */
export interface WebPush {
  readonly handle: ProviderHandler;
  subscribe(options?: SubscribeOptions): BrowserSubscription;
}

interface FakeWebPushOptions extends FakeDeps {
  /** Origin of the endpoints. */
  readonly origin: () => string;
  /** Epoch milliseconds. */
  readonly now: () => number;
}

interface Subscription extends BrowserKeys {
  readonly applicationServerKey?: string;
}

const PATH = "/push/";
const MAX_SUBSCRIPTIONS = 100_000;
const MAX_BYTES = 4096;
const MAX_TTL_SECONDS = 2_419_200;
const URGENCIES = new Set(["very-low", "low", "normal", "high"]);
const KEPT_HEADERS = ["ttl", "urgency", "topic", "content-encoding"];
const GONE: FakeRefusal = { status: 410, reason: "Unsubscribed" };
const UNREADABLE: FakeRefusal = { status: 400, reason: "CannotDecrypt" };
const refuse = refuseAs("reason", "Error");

/** Creates a push service without subscriptions. */
export function createWebPush(options: FakeWebPushOptions): WebPush {
  const subscriptions = new Map<string, Subscription>();

  function check(request: ProviderRequest, subscription: Subscription | undefined) {
    if (request.method !== "POST") return { status: 405, reason: "MethodNotAllowed" };
    if (subscription === undefined) return { status: 404, reason: "UnknownSubscription" };
    const { applicationServerKey } = subscription;
    const vapid = checkVapid(request.headers.authorization, {
      audience: options.origin(),
      now: options.now(),
      ...applicationServerKey !== undefined && { applicationServerKey },
    });
    return vapid.ok ? messageFault(request, vapid.publicKey) : vapid;
  }

  return {
    subscribe({ applicationServerKey, fault, keys, name } = {}) {
      const own = keys ?? createBrowserKeys();
      const id = name ?? crypto.randomUUID();
      const token = fault === undefined ? id : faultToken(fault, id);
      const value = { ...own, ...applicationServerKey !== undefined && { applicationServerKey } };
      setNewest(subscriptions, token, { value, max: MAX_SUBSCRIPTIONS });
      return {
        endpoint: `${options.origin()}${PATH}${token}`,
        keys: { p256dh: own.publicKey, auth: own.auth },
      };
    },
    handle(request) {
      const token = request.path.startsWith(PATH) ? request.path.slice(PATH.length) : "";
      const subscription = subscriptions.get(token);
      const refusal = check(request, subscription);
      const opened = refusal === undefined ? open(request, subscription!) : undefined;
      const wrong = refusal ?? (opened === undefined ? UNREADABLE : undefined);
      return answerPush(options, {
        provider: "webpush",
        token,
        headers: pickHeaders(request, KEPT_HEADERS),
        payload: () => opened === undefined ? undefined : readable(opened),
        refused: wrong && refuse(wrong),
        gone: GONE,
        refuse,
        accept: () => accept(request, options.origin()),
      });
    },
  };
}

function messageFault(request: ProviderRequest, vapidKey: string): FakeRefusal | undefined {
  const { headers, body } = request;
  const { ttl, urgency, topic } = headers;
  if (ttl === undefined || !/^\d{1,10}$/.test(ttl)) return { status: 400, reason: "BadTtl" };
  if (urgency !== undefined && !URGENCIES.has(urgency)) {
    return { status: 400, reason: "BadUrgency" };
  }
  if (topic !== undefined && (!/^[\w-]{1,32}$/.test(topic) || topic.length % 4 === 1)) {
    return { status: 400, reason: "BadWebPushTopic" };
  }
  if (body === undefined || body.length > MAX_BYTES) {
    return { status: 413, reason: "PayloadTooLarge" };
  }
  if (body.length === 0) return undefined;
  if (headers["content-encoding"] !== "aes128gcm") return { status: 400, reason: "BadEncoding" };
  const senderKey = body.subarray(21, 86);
  const identity = fromBase64url(vapidKey);
  // RFC 8292 §3.2: one key must not do both.
  if (senderKey.length === 65 && identity.every((byte, index) => byte === senderKey[index])) {
    return { status: 400, reason: "ReusedKey" };
  }
}

/** Decrypts the message; empty where there is no body. */
function open({ body }: ProviderRequest, keys: BrowserKeys): Uint8Array | undefined {
  if (body === undefined || body.length === 0) return new Uint8Array();
  return openAes128gcm(body, keys);
}

function accept(request: ProviderRequest, origin: string): FakeAnswer {
  const id = crypto.randomUUID();
  const ttl = Math.min(Number(request.headers.ttl), MAX_TTL_SECONDS);
  const headers = { location: `${origin}/m/${id}`, ttl: String(ttl) };
  return { answer: { kind: "reply", status: 201, headers }, id };
}

function readable(plaintext: Uint8Array): Json {
  const text = new TextDecoder().decode(plaintext);
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}
