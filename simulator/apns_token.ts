/**
 * What APNs requires of a provider token (Apple: "Establishing a token-based connection to APNs")
 * and of all tokens on one connection.
 */

import { createPublicKey } from "node:crypto";
import type { FakeRefusal } from "./fake_answers.ts";
import { decodeJwt, isSignedBy } from "./jwt.ts";

/** A token-signing key known to Apple. */
export interface ApnsKey {
  readonly keyId: string;
  readonly teamId: string;
  /** PEM of the private or the public key. */
  readonly key: string;
  /** Set where the key is for one environment only. */
  readonly environment?: ApnsEnvironment;
}

/** Apple's two environments. */
export type ApnsEnvironment = "production" | "development";

/** The tokens that a connection has used. */
export interface TokenHistory {
  keyId?: string;
  issuedAt?: number;
}

/** Checks the tokens of one APNs server; `undefined` for a valid token. */
export type ApnsTokenCheck = (token: string, history: TokenHistory) => FakeRefusal | undefined;

interface ApnsTokenOptions {
  readonly keys: readonly ApnsKey[];
  readonly environment: ApnsEnvironment;
  /** Epoch milliseconds. */
  readonly now: () => number;
}

const MAX_AGE_SECONDS = 3600;
const MIN_UPDATE_SECONDS = 20 * 60;
const MAX_SKEW_SECONDS = 60;
/** Verified tokens that are cached: a signature costs more than everything else here. */
const MAX_REMEMBERED = 1000;

const INVALID: FakeRefusal = { status: 403, reason: "InvalidProviderToken" };

/** Creates a check with the given keys. */
export function createApnsTokenCheck(options: ApnsTokenOptions): ApnsTokenCheck {
  const keys = new Map(
    options.keys.map((key) => [key.keyId, { ...key, public: createPublicKey(key.key) }]),
  );
  const verified = new Map<string, { readonly keyId: string; readonly issuedAt: number }>();

  function open(token: string): { keyId: string; issuedAt: number } | FakeRefusal {
    const jwt = decodeJwt(token);
    if (jwt === undefined) return INVALID;
    const { kid, typ = "JWT" } = jwt.header;
    const { iss, iat, ...others } = jwt.claims;
    const key = typeof kid === "string" ? keys.get(kid) : undefined;
    if (key === undefined || typ !== "JWT" || iss !== key.teamId) return INVALID;
    if (typeof iat !== "number" || !Number.isInteger(iat)) return INVALID;
    if (Object.keys(others).length > 0 || !isSignedBy(jwt, key.public)) return INVALID;
    if (key.environment !== undefined && key.environment !== options.environment) {
      // Apple's pages say `BadEnvironmentKeyIdInToken`; its servers send this.
      return { status: 403, reason: "BadEnvironmentKeyInToken" };
    }
    return { keyId: key.keyId, issuedAt: iat };
  }

  return (token, history) => {
    let opened = verified.get(token);
    if (opened === undefined) {
      const fresh = open(token);
      if ("status" in fresh) return fresh;
      if (verified.size >= MAX_REMEMBERED) verified.clear();
      verified.set(token, opened = fresh);
    }
    const age = options.now() / 1000 - opened.issuedAt;
    if (age > MAX_AGE_SECONDS) return { status: 403, reason: "ExpiredProviderToken" };
    if (age < -MAX_SKEW_SECONDS) return INVALID;
    return compare(opened, history);
  };
}

/** The first token binds a connection to its key; later ones must not come too fast. */
function compare(
  token: { readonly keyId: string; readonly issuedAt: number },
  history: TokenHistory,
): FakeRefusal | undefined {
  if (history.keyId === undefined || history.issuedAt === undefined) {
    history.keyId = token.keyId;
    history.issuedAt = token.issuedAt;
    return undefined;
  }
  if (history.keyId !== token.keyId) return { status: 403, reason: "UnrelatedKeyIdInToken" };
  // Measured by `iat`, so that processes which agree on it may each sign.
  const apart = Math.abs(token.issuedAt - history.issuedAt);
  if (apart > 0 && apart < MIN_UPDATE_SECONDS) {
    return { status: 429, reason: "TooManyProviderTokenUpdates" };
  }
  history.issuedAt = token.issuedAt;
  return undefined;
}
