/**
 * Fakes of the two token endpoints for WNS: `login.live.com` for Store packages and Entra ID for
 * apps on the Windows App SDK. Both are client-credential grants of OAuth 2.0 (RFC 6749 §4.4) that
 * differ in names, scope and the type of `expires_in`.
 */

import type { IssuedTokens } from "./access_tokens.ts";
import { bodyForm, jsonReply, type ProviderHandler } from "./exchange.ts";
import type { Faults } from "./faults.ts";
import { oauthError } from "./google_token.ts";
import { applyFault, type FakeRefusal, refuseAs } from "./fake_answers.ts";

interface WnsTokensOptions {
  readonly sid: string;
  readonly secret: string;
  readonly tenant: string;
  readonly appId: string;
  readonly appSecret: string;
  readonly tokens: IssuedTokens;
  readonly faults: Faults;
}

const LIVE_PATH = "/accesstoken.srf";
const ENTRA_PATH = /^\/([^/]+)\/oauth2\/v2\.0\/token$/;
const GONE: FakeRefusal = { status: 400, reason: "invalid_client" };
const refuse = refuseAs("error", "temporarily_unavailable");

/** Whether a path is one of the two endpoints. */
export function isWnsTokenPath(path: string): boolean {
  return path === LIVE_PATH || ENTRA_PATH.test(path);
}

/** Creates the handler of both endpoints. */
export function createWnsTokens(options: WnsTokensOptions): ProviderHandler {
  return (request) => {
    const live = request.path === LIVE_PATH;
    const decision = options.faults.decide(live ? "wns-token" : "entra-token", "");
    const fault = applyFault(decision, { gone: GONE, refuse });
    if (fault !== undefined) return fault.answer;
    if (request.method !== "POST") return refuse({ status: 405 }).answer;
    const form = bodyForm(request);
    if (form.get("grant_type") !== "client_credentials") {
      return oauthError("unsupported_grant_type", "grant_type must be client_credentials");
    }
    if (live) {
      const known = form.get("client_id") === options.sid &&
        form.get("client_secret") === options.secret;
      if (!known) return oauthError("invalid_client", "Invalid client id or secret");
      if (form.get("scope") !== "notify.windows.com") {
        return oauthError("invalid_scope", "scope must be notify.windows.com");
      }
      return jsonReply(200, {
        access_token: options.tokens.issue(),
        expires_in: options.tokens.lifetimeSeconds,
        token_type: "bearer",
      });
    }
    if (ENTRA_PATH.exec(request.path)?.[1] !== options.tenant) {
      return oauthError("invalid_request", "AADSTS90002: Tenant not found");
    }
    const known = form.get("client_id") === options.appId &&
      form.get("client_secret") === options.appSecret;
    if (!known) return oauthError("invalid_client", "AADSTS7000215: Invalid client secret", 401);
    if (!/^https:\/\/wns\.windows\.com\/{1,2}\.default$/.test(form.get("scope") ?? "")) {
      return oauthError("invalid_scope", "AADSTS70011: The scope is not valid");
    }
    const seconds = String(options.tokens.lifetimeSeconds);
    return jsonReply(200, {
      token_type: "Bearer",
      expires_in: seconds,
      ext_expires_in: seconds,
      access_token: options.tokens.issue(),
    });
  };
}
