/**
 * Requests access tokens from OAuth2 token endpoints (RFC 6749 §5), of Google and of Microsoft, and
 * sends with them. A refusal is for the operator to fix; an outage is retried. The endpoint's own
 * description may quote the request, so only its error code is passed on.
 */

import { type JsonObject, parseJsonObject } from "../../core/json.ts";
import type { Outcome } from "../../core/outcome.ts";
import { OWN_TOKENS, type SharedToken } from "../../core/shared_tokens.ts";
import {
  createSharedMint,
  FetchSender,
  type HttpResult,
  type MintedToken,
  renewalTime,
  retryAfterMs,
  TokenCache,
} from "../http/mod.ts";
import type { ClientDeps } from "./config_files.ts";

interface TokenAnswerOptions {
  /** Wall-clock time, for a `Retry-After` given as a date. */
  readonly nowMs: number;
  /** The lifetime of a token, in milliseconds, where the answer names none. */
  readonly defaultLifetimeMs: number;
}

const FLOOR_MS = 10_000;

/** Returns the token of an answer, or the outcome of the messages that need it. */
export function readTokenAnswer(
  result: HttpResult,
  { nowMs, defaultLifetimeMs }: TokenAnswerOptions,
): MintedToken<Outcome> {
  if (result.kind === "failed") {
    const reason = `No access token: ${result.reason}`;
    switch (result.fault) {
      case "certificate":
      case "no_h2":
      case "blocked":
        return failed({ kind: "misconfigured", reason });
      case "aborted":
        // Another configuration has replaced this one; the next attempt uses it.
        return failed({ kind: "retry", reason });
      default:
        return failed({ kind: "retry", reason, afterMs: FLOOR_MS, scope: "client" });
    }
  }
  const { status, headers, text } = result;
  const body = parseJsonObject(text);
  if (status === 200 && typeof body?.access_token === "string" && isHeaderText(body.access_token)) {
    const seconds = Number(body.expires_in);
    const lifetimeMs = seconds > 0 ? seconds * 1000 : defaultLifetimeMs;
    return { kind: "token", value: body.access_token, lifetimeMs };
  }
  const reason = `No access token: ${status}${errorOf(body)}`;
  if (status >= 500 || status === 429 || status === 408) {
    const afterMs = retryAfterMs(headers.get("retry-after"), nowMs, { floorMs: FLOOR_MS });
    return failed({ kind: "retry", reason, afterMs, scope: "client" });
  }
  return failed({ kind: "misconfigured", reason });
}

function failed(failure: Outcome): MintedToken<Outcome> {
  return { kind: "failed", failure };
}

/** A line break in a token would make every request throw. */
function isHeaderText(token: string): boolean {
  return /^[\x21-\x7e]{1,8192}$/.test(token);
}

/** What the operator should check first, by error code. */
const HINTS: Readonly<Record<string, string>> = {
  invalid_grant: "the key was deleted, or this machine's clock is wrong",
  unauthorized_client: "the account may not ask for this scope",
  invalid_client: "the id or the secret is wrong",
};

function errorOf(body: JsonObject | undefined): string {
  const code = body?.error;
  if (typeof code !== "string" || !/^[a-z_]{1,64}$/.test(code)) return " from the token address";
  const hint = HINTS[code];
  // Entra's own number says more than the code: https://login.microsoftonline.com/error
  const number = /\bAADSTS\d{1,9}\b/.exec(String(body?.error_description ?? ""))?.[0];
  return ` ${code}${number ? ` ${number}` : ""}${hint ? ` (${hint})` : ""}`;
}

/** The provider refused the access token; a new one may help. */
export interface StaleTokenAnswer {
  readonly kind: "stale";
  readonly reason: string;
}

interface AccessTokensOptions {
  /** What the token is for, equal on all nodes; not secret. */
  readonly name: string;
  /** A secret that only holders of the credential know. */
  readonly secret: string;
  readonly address: string;
  /** Makes the fields of a request. */
  readonly form: () => Record<string, string> | Promise<Record<string, string>>;
  /** The lifetime of a token where an answer names none. */
  readonly defaultLifetimeMs: number;
  /** A token is renewed this many milliseconds before it ends. */
  readonly marginMs: number;
  readonly createClient: () => Deno.HttpClient;
}

const TIMEOUT_MS = 15_000;

/** The access token of one client. Its failures are the outcomes of the messages that need it. */
export class AccessTokens implements AsyncDisposable {
  readonly #cache: TokenCache<Outcome>;
  readonly #sender: FetchSender;

  constructor(
    { clock, fetch, sharedTokens = OWN_TOKENS }: Pick<
      ClientDeps,
      "clock" | "fetch" | "sharedTokens"
    >,
    { name, secret, address, form, defaultLifetimeMs, marginMs, createClient }: AccessTokensOptions,
  ) {
    const sender = this.#sender = new FetchSender({
      ...{ clock, fetch, createClient, timeoutMs: TIMEOUT_MS },
      ...{ clients: 1, maxInFlightPerClient: 1 },
    });
    async function mint(): Promise<MintedToken<Outcome>> {
      const result = await sender.post(address, {
        headers: {
          "content-type": "application/x-www-form-urlencoded",
          accept: "application/json",
        },
        body: new URLSearchParams(await form()).toString(),
        // Many sends share the answer; the sender's timeout bounds it.
        signal: new AbortController().signal,
      });
      return readTokenAnswer(result, { nowMs: clock.now(), defaultLifetimeMs });
    }
    const renewAt = (token: SharedToken) => renewalTime(token, { marginMs });
    this.#cache = new TokenCache<Outcome>({
      mint: createSharedMint({ sharedTokens, name, secret, clock, renewAt, mint }),
      // A refused token is renewed once per message; the second refusal pauses the client.
      ...{ clock, marginMs, minAgeMs: 0, backOffMs: FLOOR_MS },
    });
  }

  /**
   * Sends with an access token, and once more with a new one where the first is refused. A second
   * refusal has another cause and pauses the client.
   */
  async send(
    attempt: (accessToken: string) => Promise<Outcome | StaleTokenAnswer>,
  ): Promise<Outcome> {
    const first = await this.#cache.get();
    if (first.kind === "failed") return first.failure;
    const outcome = await attempt(first.value);
    if (outcome.kind !== "stale") return outcome;
    this.#cache.invalidate(first.value);
    const second = await this.#cache.get();
    if (second.kind === "failed") return second.failure;
    const again = await attempt(second.value);
    if (again.kind !== "stale") return again;
    return { kind: "misconfigured", reason: `${again.reason}: a new access token is refused too` };
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#sender[Symbol.asyncDispose]();
  }
}
