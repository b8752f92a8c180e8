/**
 * The transport `gcm`, named after the original's: FCM's HTTP v1 API for clients with a service
 * account, the legacy format for those with a server key. It makes one attempt and returns the
 * outcome; the pipeline retries and removes tokens.
 */

import type { Clock } from "../../core/clock.ts";
import { ServiceError } from "../../core/errors.ts";
import type { Message } from "../../core/message.ts";
import type { Outcome } from "../../core/outcome.ts";
import type { SharedTokens } from "../../core/shared_tokens.ts";
import type { Target } from "../../core/subscription.ts";
import type { ConfigurableTransport } from "../../core/transport.ts";
import { createLegacyClient } from "./client_legacy.ts";
import {
  ClientConfigError,
  ClientSet,
  type ConfiguredClient,
  type FileAccess,
  type PreparedClient,
  readCaFile,
  readConfigFile,
} from "../clients/mod.ts";
import { createV1Client } from "./client_v1.ts";
import type { HttpEngine } from "../http/mod.ts";
import { GCM_MAX_BYTES } from "./_limits.ts";
import { readServiceAccount, type ServiceAccount, ServiceAccountError } from "./service_account.ts";
import { FCM_ADDRESS, type GcmOptions, LEGACY_ADDRESS } from "./settings.ts";

export { type GcmOptions, gcmOptionsSchema } from "./settings.ts";

interface GcmDeps extends FileAccess {
  readonly clock: Clock;
  /** Calls FCM's HTTP v1 API. */
  readonly engine: HttpEngine;
  /** Calls the legacy API and requests access tokens. */
  readonly fetch: typeof fetch;
  /** Where nodes share access tokens. Absent: this node requests its own. */
  readonly sharedTokens?: SharedTokens;
}

/** Creates the transport; it has no clients until it is configured. */
export function createGcmTransport(deps: GcmDeps): ConfigurableTransport<GcmOptions> {
  const clients = new ClientSet((options: GcmOptions) => prepare(options, deps));
  return {
    name: "gcm",
    traits: { maxPayloadBytes: GCM_MAX_BYTES, maxConcurrent: deps.engine.maxConcurrent },
    configure: (options) => clients.configure(options),
    serves: (client) => clients.has(client),
    parseAddress: (_client, raw) => parseRegistrationToken(raw),
    send: (target, message, signal) => send(clients, { target, message, signal }),
    preview: (target, message) => clients.get(target.client)?.preview(target, message),
    status: () => clients.status(),
    [Symbol.asyncDispose]: () => clients[Symbol.asyncDispose](),
  };
}

interface Attempt {
  readonly target: Target;
  readonly message: Message;
  readonly signal: AbortSignal;
}

async function send(
  clients: ClientSet<GcmOptions, ConfiguredClient>,
  { target, message, signal }: Attempt,
): Promise<Outcome> {
  const client = clients.get(target.client);
  if (!client) return { kind: "misconfigured", reason: "the client has no usable gcm options" };
  const outcome = await client.send(target, message, signal);
  if (outcome.kind !== "sent" || outcome.newToken === undefined) return outcome;
  // A token from Google must pass the same check as one from a client.
  const { newToken, ...rest } = outcome;
  return newToken !== target.token && isRegistrationToken(newToken) ? outcome : rest;
}

/** @throws {ClientConfigError} where the entry or one of its files cannot be used. */
async function prepare(
  options: GcmOptions,
  deps: GcmDeps,
): Promise<PreparedClient<ConfiguredClient>> {
  const caCerts = await readCaFile(deps, options.cafile);
  const { key, serviceaccount: path } = options;
  if (path !== undefined) return await prepareV1(path, { options, deps, caCerts });
  if (key === undefined) throw new ClientConfigError("needs either 'key' or 'serviceaccount'");
  const address = options.address ?? LEGACY_ADDRESS;
  return {
    fingerprint: JSON.stringify([options, caCerts]),
    open: () => createLegacyClient({ ...deps, key, address, caCerts }),
  };
}

interface Preparation {
  readonly options: GcmOptions;
  readonly deps: GcmDeps;
  readonly caCerts: string[];
}

async function prepareV1(
  path: string,
  { options, deps, caCerts }: Preparation,
): Promise<PreparedClient<ConfiguredClient>> {
  const json = await readConfigFile(deps.readTextFile, path);
  const account = await readAccount(json, { path, options });
  const address = options.address ?? FCM_ADDRESS;
  const tokenAddress = options.tokenaddress ?? account.tokenUri;
  return {
    fingerprint: JSON.stringify([options, caCerts, json]),
    open: () => createV1Client({ ...deps, account, address, tokenAddress, caCerts }),
  };
}

async function readAccount(
  json: string,
  { path, options }: { readonly path: string; readonly options: GcmOptions },
): Promise<ServiceAccount> {
  try {
    return await readServiceAccount(json, {
      ...options.projectid !== undefined && { projectId: options.projectid },
      tokenAddressSet: options.tokenaddress !== undefined,
    });
  } catch (error) {
    if (error instanceof ServiceAccountError) throw new ClientConfigError(error.message, path);
    throw error;
  }
}

/** Google documents no length; real tokens have 140 to 200 characters. */
const REGISTRATION_TOKEN = /^[\x21-\x7e]{1,4096}$/;

/** Whether a text can be a registration token: visible ASCII without spaces. */
function isRegistrationToken(text: string): boolean {
  return REGISTRATION_TOKEN.test(text);
}

/**
 * Reads a registration token from a client.
 *
 * @throws {ServiceError} `invalid_token`.
 */
function parseRegistrationToken(raw: unknown): string {
  if (typeof raw === "string" && isRegistrationToken(raw)) return raw;
  throw new ServiceError(
    "invalid_token",
    "Cannot take the token: a registration token has 1 to 4096 visible ASCII characters and no spaces",
  );
}
