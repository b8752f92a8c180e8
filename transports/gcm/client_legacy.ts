/** Sends one app's messages to a server of the legacy GCM/FCM format, with a server key. */

import type { Message } from "../../core/message.ts";
import type { Outcome } from "../../core/outcome.ts";
import type { Target } from "../../core/subscription.ts";
import { FetchSender, TOO_LARGE } from "../http/mod.ts";
import { readGcmFailure } from "./answers_failed.ts";
import { readLegacyAnswer } from "./answers_legacy.ts";
import type { ClientDeps, ConfiguredClient } from "../clients/mod.ts";
import { GCM_CONNECTIONS, GCM_IDLE_MS, GCM_MAX_IN_FLIGHT, GCM_TIMEOUT_MS } from "./_limits.ts";
import { createGcmPreview } from "./_render.ts";
import { renderLegacy } from "./payload_legacy.ts";
import { LEGACY_ADDRESS } from "./settings.ts";

interface LegacyClientOptions extends ClientDeps {
  readonly key: string;
  readonly address: string;
  readonly caCerts: string[];
}

const RETIRED = "Google shut the legacy API in 2024: set 'serviceaccount' instead of 'key', " +
  "or 'address' to a server that still speaks the legacy format";

/** Creates a client for one server key. It connects with its first message. */
export function createLegacyClient(options: LegacyClientOptions): ConfiguredClient {
  const { key, address, caCerts, clock, fetch, createHttpClient } = options;
  const pool = new FetchSender({
    clients: GCM_CONNECTIONS,
    maxInFlightPerClient: GCM_MAX_IN_FLIGHT,
    createClient: () => createHttpClient({ caCerts, poolIdleTimeout: GCM_IDLE_MS }),
    fetch,
    timeoutMs: GCM_TIMEOUT_MS,
    clock,
  });
  const headers = { authorization: `key=${key}`, "content-type": "application/json" };

  async function send({ token }: Target, message: Message, signal: AbortSignal): Promise<Outcome> {
    const body = renderLegacy(message, { token, nowMs: clock.now() });
    if (body === undefined) return TOO_LARGE;
    const result = await pool.post(address, { headers, body, signal });
    return result.kind === "failed"
      ? readGcmFailure(result)
      : readLegacyAnswer(result, { token, nowMs: clock.now() });
  }

  return {
    send,
    preview: createGcmPreview(renderLegacy, { clock }),
    ...address === LEGACY_ADDRESS && { state: { detail: RETIRED } },
    [Symbol.asyncDispose]: () => pool[Symbol.asyncDispose](),
  };
}
