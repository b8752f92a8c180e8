/**
 * One configured app at APNs: its connections, its provider token, and whether APNs has accepted a
 * push of it yet. A call of `send` is one attempt; within it, a request whose obstacle can be
 * removed at once (`answers.ts`) is sent a second time.
 */

import type { Clock } from "../../core/clock.ts";
import type { Message } from "../../core/message.ts";
import type { MessagePreview } from "../../core/message_preview.ts";
import type { Outcome } from "../../core/outcome.ts";
import { OWN_TOKENS, type SharedTokens } from "../../core/shared_tokens.ts";
import type { Target } from "../../core/subscription.ts";
import type {
  HeaderFields,
  HttpEngine,
  HttpResult,
  HttpSender,
  HttpSenderOptions,
  TokenCache,
} from "../http/mod.ts";
import { readApnAnswer, type Remedy, type ResendAdvice } from "./answers.ts";
import { formatDay } from "./certificate.ts";
import type { LoadedCredential } from "./credentials.ts";
import {
  type ApnProfile,
  type ApnRequest,
  commonApnHeaders,
  previewApns,
  renderApns,
} from "./payload.ts";
import { type ConfiguredClient } from "../clients/mod.ts";
import { createProviderToken, TOKEN_FLOOR_MS } from "./provider_token.ts";

/** Dependencies of all clients. */
export interface ApnRuntime {
  readonly clock: Clock;
  readonly engine: HttpEngine;
  /** Where nodes share provider tokens. Absent: this node creates its own. */
  readonly sharedTokens?: SharedTokens;
}

interface ApnClientOptions extends LoadedCredential, Pick<HttpSenderOptions, "origin" | "caCerts"> {
  readonly runtime: ApnRuntime;
}

type Rendered = ReturnType<typeof renderApns>;
/** An advice with the provider token of the refused request. */
type Refused = ResendAdvice & { readonly usedToken: string | undefined };

const TIMEOUT_MS = 10_000;
/** How long before its end a certificate appears in the status. */
const WARN_BEFORE_MS = 30 * 86_400_000;
/** Apple treats rapid reconnects as an attack. */
const RENEWAL_FLOOR_MS = 60_000;

/** Sends to the devices of one app. */
export class ApnClient implements ConfiguredClient {
  readonly #clock: Clock;
  readonly #path: string;
  readonly #profile: ApnProfile;
  /** Epoch milliseconds; infinite for a token key. */
  readonly #credentialExpiresAt: number;
  readonly #sender: HttpSender;
  readonly #token: TokenCache<never> | undefined;
  #rendered: { readonly message: Message; readonly request: Rendered } | undefined;
  /** By push type and priority, with the provider token that was used last. */
  readonly #commonHeaders = new Map<string, HeaderFields>();
  #usedToken: string | undefined;
  #sends = 0;
  #idle: PromiseWithResolvers<void> | undefined;
  #renewedAt = -Infinity;
  #succeeded = false;
  /**
   * Why APNs refused the last push for a reason that an operator should check: the set-up, or any
   * reason until the first push is accepted. `undefined` once a push is accepted.
   */
  #trouble: string | undefined;

  /** @throws what the engine throws, e.g. for a key that does not match its certificate. */
  constructor({ origin, topic, credential, caCerts, runtime }: ApnClientOptions) {
    const { clock, engine, sharedTokens = OWN_TOKENS } = runtime;
    this.#clock = clock;
    this.#path = `${origin}/3/device/`;
    this.#profile = { topic, auth: credential.type };
    this.#credentialExpiresAt = credential.type === "certificate" ? credential.expiresAt : Infinity;
    this.#token = credential.type === "jwt"
      ? createProviderToken({ ...credential, clock, sharedTokens })
      : undefined;
    this.#sender = engine.open({
      origin,
      caCerts,
      timeoutMs: TIMEOUT_MS,
      ...credential.type === "certificate" &&
        { certificate: { cert: credential.cert, key: credential.key } },
    });
  }

  get state(): ConfiguredClient["state"] {
    const expiresAt = this.#credentialExpiresAt;
    const left = expiresAt - this.#clock.now();
    const detail = left <= 0
      ? `the certificate expired on ${formatDay(expiresAt)}`
      : left <= WARN_BEFORE_MS
      ? `the certificate ends on ${formatDay(expiresAt)}`
      : this.#trouble && `refused: ${this.#trouble}`;
    return {
      ready: left > 0,
      ...detail !== undefined && { detail },
      ...expiresAt !== Infinity && { credentialExpiresAt: expiresAt },
    };
  }

  /** Makes one attempt. Never rejects because of APNs or the network. */
  async send(target: Target, message: Message, signal: AbortSignal): Promise<Outcome> {
    const request = this.#render(message);
    if (request.kind !== "request") return request;
    this.#sends++;
    try {
      const asked = this.#token?.get();
      const token = asked instanceof Promise ? await asked : asked;
      const usedToken = token?.kind === "token" ? token.value : undefined;
      const result = await this.#post(target, request, { usedToken, signal });
      const answer = this.#read(result, target);
      const outcome = answer.kind === "resend"
        ? await this.#resend({ ...answer, usedToken }, { target, request, signal })
        : answer;
      this.#learn(outcome);
      return outcome;
    } finally {
      if (--this.#sends === 0) this.#idle?.resolve();
    }
  }

  /** Renders a message for operators, without sending it. */
  preview(_target: Target, message: Message): MessagePreview {
    return previewApns(message, this.#profile);
  }

  /** Waits for the sends that have begun, then closes the connections. No send may follow. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#idle ??= Promise.withResolvers();
    if (this.#sends > 0) await this.#idle.promise;
    await this.#sender[Symbol.asyncDispose]();
  }

  /** Renders once for all devices of a message. */
  #render(message: Message): Rendered {
    if (this.#rendered?.message !== message) {
      this.#rendered = { message, request: renderApns(message, this.#profile) };
    }
    return this.#rendered.request;
  }

  /** Resends the request if the obstacle can be removed. */
  async #resend(
    { remedy, fallback, usedToken }: Refused,
    { target, request, signal }: {
      readonly target: Target;
      readonly request: ApnRequest;
      readonly signal: AbortSignal;
    },
  ): Promise<Outcome> {
    if (!this.#applyRemedy(remedy, usedToken)) return fallback;
    const token = await this.#token?.get();
    const result = await this.#post(target, request, {
      usedToken: token?.kind === "token" ? token.value : undefined,
      signal,
    });
    const second = this.#read(result, target);
    return second.kind === "resend" ? second.fallback : second;
  }

  #post(
    { token }: Target,
    request: ApnRequest,
    { usedToken, signal }: Pick<Refused, "usedToken"> & { readonly signal: AbortSignal },
  ): Promise<HttpResult> {
    return this.#sender.post(this.#path + token, {
      headers: request.headers,
      commonHeaders: this.#commonHeadersOf(request, usedToken),
      body: request.body,
      signal,
      ignoreSuccessBody: true,
    });
  }

  #read(result: HttpResult, { refreshedAt }: Target): Outcome | ResendAdvice {
    return readApnAnswer(result, {
      nowMs: this.#clock.now(),
      refreshedAt,
      succeeded: this.#succeeded,
    });
  }

  #commonHeadersOf(request: ApnRequest, token: string | undefined): HeaderFields {
    if (token !== this.#usedToken) {
      this.#commonHeaders.clear();
      this.#usedToken = token;
    }
    return this.#commonHeaders.getOrInsertComputed(`${request.type} ${request.priority}`, () => ({
      ...commonApnHeaders(request, this.#profile),
      ...token !== undefined && { authorization: `bearer ${token}` },
    }));
  }

  #learn(outcome: Outcome): void {
    if (outcome.kind === "sent") {
      this.#succeeded = true;
      this.#trouble = undefined;
    } else if (
      outcome.kind === "misconfigured" || (outcome.kind === "rejected" && !this.#succeeded)
    ) {
      this.#trouble = outcome.reason;
    }
  }

  /** False where nothing can be done. */
  #applyRemedy(remedy: Remedy, usedToken: string | undefined): boolean {
    switch (remedy) {
      case "none":
        return true;
      case "new_token":
        return usedToken !== undefined && this.#token!.invalidate(usedToken);
      case "new_connections":
        this.#renewConnections(RENEWAL_FLOOR_MS);
        return true;
      case "keep_token":
        this.#token?.holdOff(TOKEN_FLOOR_MS);
        this.#renewConnections(TOKEN_FLOOR_MS);
        return true;
    }
  }

  /** Once for all requests that failed on the same connections. */
  #renewConnections(floorMs: number): void {
    const now = this.#clock.monotonic();
    if (now - this.#renewedAt < floorMs) return;
    this.#renewedAt = now;
    this.#sender.renew();
  }
}
