/**
 * The address of a browser: the JSON of a `PushSubscription` (W3C Push API), validated and
 * normalized to one text, which is the stored token. `endpoint_hosts.ts` decides which hosts are
 * allowed.
 */

import { ServiceError } from "../../core/errors.ts";
import { isJsonObject } from "../../core/json.ts";
import { decodeBase64url, encodeBase64url } from "./_base64url.ts";
import type { ReceiverKeys } from "./encrypt.ts";
import { isP256Point } from "./_p256.ts";

/** A validated subscription of a browser. */
export interface PushSubscription extends ReceiverKeys {
  readonly endpoint: URL;
  /** The VAPID public key that it was created with, if the client has sent it. */
  readonly applicationServerKey?: string;
}

/** RFC 8030 sets no limit; UnifiedPush does, and all push services stay far below it. */
const MAX_ENDPOINT_BYTES = 1000;
const MAX_RAW_LENGTH = 8192;

/**
 * Reads the result of `PushSubscription.toJSON()`, as an object or as text. Other members are
 * ignored, except `applicationServerKey`, which clients may add from `subscription.options`.
 *
 * @throws {ServiceError} `invalid_token`; the message never repeats the endpoint.
 */
export function parsePushSubscription(raw: unknown): PushSubscription {
  const value = typeof raw === "string" ? parseJson(raw) : raw;
  if (!isJsonObject(value)) refuse("expected the JSON of a PushSubscription");
  const keys = isJsonObject(value.keys) ? value.keys : refuse("'keys' is missing");
  const endpoint = parseEndpoint(value.endpoint);
  const p256dh = decode(keys.p256dh);
  if (!p256dh || !isP256Point(p256dh)) {
    refuse("'keys.p256dh' is not a point of P-256 as 65 bytes of base64url");
  }
  const auth = decode(keys.auth);
  if (auth?.length !== 16) refuse("'keys.auth' is not 16 bytes of base64url");
  const serverKey = value.applicationServerKey;
  if (serverKey === undefined || serverKey === null) return { endpoint, p256dh, auth };
  const point = decode(serverKey);
  if (!point || !isP256Point(point)) {
    refuse("'applicationServerKey' is not a point of P-256 as 65 bytes of base64url");
  }
  return { endpoint, p256dh, auth, applicationServerKey: encodeBase64url(point) };
}

/** Returns the text that is stored for a subscription. */
export function formatPushSubscription(subscription: PushSubscription): string {
  const { endpoint, p256dh, auth, applicationServerKey } = subscription;
  return JSON.stringify({
    endpoint: endpoint.href,
    keys: { p256dh: encodeBase64url(p256dh), auth: encodeBase64url(auth) },
    ...applicationServerKey !== undefined && { applicationServerKey },
  });
}

function parseEndpoint(raw: unknown): URL {
  const url = typeof raw === "string" && raw.length <= MAX_ENDPOINT_BYTES ? URL.parse(raw) : null;
  if (url?.protocol !== "https:") {
    refuse(`'endpoint' is not an https: address of at most ${MAX_ENDPOINT_BYTES} bytes`);
  }
  url.hash = "";
  if (url.href.length > MAX_ENDPOINT_BYTES) {
    refuse(`'endpoint' is longer than ${MAX_ENDPOINT_BYTES} bytes`);
  }
  return url;
}

function decode(raw: unknown): Uint8Array<ArrayBuffer> | undefined {
  return typeof raw === "string" && raw.length <= 100 ? decodeBase64url(raw) : undefined;
}

function parseJson(text: string): unknown {
  if (text.length > MAX_RAW_LENGTH) refuse(`it has more than ${MAX_RAW_LENGTH} characters`);
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function refuse(why: string): never {
  throw new ServiceError("invalid_token", `Cannot use this token for webpush: ${why}`);
}
