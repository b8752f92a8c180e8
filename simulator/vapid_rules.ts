/**
 * What push services require of the sender's identification (RFC 8292), as strict as Apple. Pure,
 * except for the signature check.
 */

import { decodeJwt, fromBase64url, isSignedBy, pointKey } from "./jwt.ts";

interface VapidExpectation {
  /** Origin of the endpoint. */
  readonly audience: string;
  /** The key of the subscription, base64url; absent: any. */
  readonly applicationServerKey?: string;
  /** Epoch milliseconds. */
  readonly now: number;
}

/** Accepted with the sender's key, or refused. */
type VapidCheckResult =
  | { readonly ok: true; readonly publicKey: string }
  | { readonly ok: false; readonly status: 401 | 403; readonly reason: string };

const MAX_LIFETIME_SECONDS = 24 * 3600;
/** Tolerated clock difference for an `exp` of exactly a day. */
const SKEW_SECONDS = 5;

/** Checks an `Authorization` header. */
export function checkVapid(
  authorization: string | undefined,
  expected: VapidExpectation,
): VapidCheckResult {
  const [, parameters] = /^vapid (.+)$/i.exec(authorization ?? "") ?? [];
  if (parameters === undefined) return { ok: false, status: 401, reason: "MissingAuthorization" };
  const fields = new Map(
    parameters.split(",").map((part) => {
      const [name = "", ...value] = part.trim().split("=");
      return [name, value.join("=")] as const;
    }),
  );
  const [token = "", publicKey = ""] = [fields.get("t"), fields.get("k")];
  const key = pointKey(decode(publicKey));
  if (key === undefined) return no("BadVapidPublicKey");
  if (
    expected.applicationServerKey !== undefined && expected.applicationServerKey !== publicKey
  ) return no("VapidPkHashMismatch");
  const jwt = decodeJwt(token);
  if (jwt === undefined || !isSignedBy(jwt, key)) return no("BadJwtToken");
  const { aud, exp, sub } = jwt.claims;
  const now = expected.now / 1000;
  const lives = typeof exp === "number" && exp > now &&
    exp <= now + MAX_LIFETIME_SECONDS + SKEW_SECONDS;
  if (aud !== expected.audience || !lives || !isContact(sub)) return no("BadJwtToken");
  return { ok: true, publicKey };
}

/** Apple refuses spaces, angle brackets and local names. */
function isContact(subject: unknown): boolean {
  return typeof subject === "string" && !/[\s<>]/.test(subject) && !/localhost/i.test(subject) &&
    /^(mailto:[^@]+@[^@]+\.[^@]+|https:\/\/[^/]+\.[^/]+.*)$/.test(subject);
}

function decode(text: string): Uint8Array {
  try {
    return fromBase64url(text);
  } catch {
    return new Uint8Array();
  }
}

function no(reason: string): VapidCheckResult {
  return { ok: false, status: 403, reason };
}
