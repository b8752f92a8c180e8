/**
 * A fake of Google's token endpoint: exchanges an assertion signed by the service account for an
 * access token (RFC 7523; Google: "Using OAuth 2.0 for server to server applications").
 */

import { createPublicKey } from "node:crypto";
import type { IssuedTokens } from "./access_tokens.ts";
import { bodyForm, jsonReply, type ProviderHandler } from "./exchange.ts";
import type { Faults } from "./faults.ts";
import { decodeJwt, isSignedBy } from "./jwt.ts";
import { applyFault, type FakeRefusal, refuseAs } from "./fake_answers.ts";

interface GoogleTokenOptions {
  readonly clientEmail: string;
  readonly privateKeyId: string;
  /** PEM of the account's private or public key. */
  readonly key: string;
  /** The required audience of assertions. */
  readonly tokenUri: () => string;
  readonly tokens: IssuedTokens;
  readonly faults: Faults;
  /** Epoch milliseconds. */
  readonly now: () => number;
}

const GRANT = "urn:ietf:params:oauth:grant-type:jwt-bearer";
const SCOPES = [
  "https://www.googleapis.com/auth/firebase.messaging",
  "https://www.googleapis.com/auth/cloud-platform",
];
const MAX_LIFETIME_SECONDS = 3600;
const MAX_SKEW_SECONDS = 60;
const GONE: FakeRefusal = { status: 400, reason: "invalid_grant" };
const refuse = refuseAs("error", "internal_failure");

/** Creates the handler of `POST /token`. */
export function createGoogleToken(options: GoogleTokenOptions): ProviderHandler {
  const key = createPublicKey(options.key);

  /** Google's error and its description; `undefined` for a valid assertion. */
  function assertionFault(assertion: string): readonly [string, string] | undefined {
    const jwt = decodeJwt(assertion);
    if (jwt === undefined) return ["invalid_grant", "Invalid JWT"];
    const { alg, kid = options.privateKeyId } = jwt.header;
    const { iss, scope, aud, iat, exp } = jwt.claims;
    if (iss !== options.clientEmail) return ["invalid_grant", "Invalid grant: account not found"];
    if (alg !== "RS256" || kid !== options.privateKeyId || !isSignedBy(jwt, key)) {
      return ["invalid_grant", "Invalid JWT Signature."];
    }
    if (aud !== options.tokenUri()) return ["invalid_grant", "Invalid JWT: wrong audience"];
    if (typeof iat !== "number" || typeof exp !== "number" || exp > iat + MAX_LIFETIME_SECONDS) {
      return ["invalid_grant", "Invalid JWT: iat and exp must be at most 60 minutes apart"];
    }
    const now = options.now() / 1000;
    if (iat > now + MAX_SKEW_SECONDS || exp <= now) {
      return ["invalid_grant", "Invalid JWT: check your iat and exp values"];
    }
    const scopes = typeof scope === "string" ? scope.split(" ") : [];
    if (!scopes.some((asked) => SCOPES.includes(asked))) {
      return ["invalid_scope", "Invalid OAuth scope or ID token audience provided"];
    }
  }

  return (request) => {
    const decision = options.faults.decide("google-token", "");
    const fault = applyFault(decision, { gone: GONE, refuse });
    if (fault !== undefined) return fault.answer;
    if (request.method !== "POST") return refuse({ status: 405 }).answer;
    const form = bodyForm(request);
    if (form.get("grant_type") !== GRANT) {
      return oauthError("unsupported_grant_type", "Invalid grant_type");
    }
    const wrong = assertionFault(form.get("assertion") ?? "");
    if (wrong !== undefined) return oauthError(...wrong);
    return jsonReply(200, {
      access_token: options.tokens.issue(),
      expires_in: options.tokens.lifetimeSeconds,
      token_type: "Bearer",
    });
  };
}

/** Creates an OAuth error (RFC 6749 §5.2). */
export function oauthError(error: string, description: string, status = 400) {
  return jsonReply(status, { error, error_description: description });
}
