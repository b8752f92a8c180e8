/**
 * The transport `gcm`, named after the original's: FCM's HTTP v1 API for clients with a service
 * account, the legacy format for those with a server key. It makes one attempt and returns the
 * outcome; the pipeline retries and removes tokens.
 */

import type { ConfigurableTransport } from "../../core/transport.ts";
import { createLegacyClient } from "./client_legacy.ts";
import {
  ClientConfigError,
  type ClientDeps,
  ClientSet,
  type ConfiguredClient,
  type PreparedClient,
  readCaFile,
  readConfigFile,
} from "../clients/mod.ts";
import { createV1Client } from "./client_v1.ts";
import type { HttpEngine } from "../http/mod.ts";
import { GCM_MAX_BYTES } from "./_limits.ts";
import { parseRegistrationToken } from "./_registration_token.ts";
import { readServiceAccount, type ServiceAccount, ServiceAccountError } from "./service_account.ts";
import { FCM_ADDRESS, type GcmOptions, LEGACY_ADDRESS } from "./settings.ts";

export { type GcmOptions, gcmOptionsSchema } from "./settings.ts";

/** `fetch` calls the legacy API and requests access tokens. */
interface GcmDeps extends ClientDeps {
  /** Calls FCM's HTTP v1 API. */
  readonly engine: HttpEngine;
}

/** Creates the transport; it has no clients until it is configured. */
export function createGcmTransport(deps: GcmDeps): ConfigurableTransport<GcmOptions> {
  const clients = new ClientSet((options: GcmOptions) => prepare(options, deps));
  return clients.transport({
    name: "gcm",
    traits: { maxPayloadBytes: GCM_MAX_BYTES, maxConcurrent: deps.engine.maxConcurrent },
    parseAddress: (_client, raw) => parseRegistrationToken(raw),
  });
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
    environment: address === LEGACY_ADDRESS
      ? "legacy format"
      : `legacy format at ${new URL(address).host}`,
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
    environment: `project ${account.projectId}` +
      (address === FCM_ADDRESS ? "" : ` at ${new URL(address).host}`),
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
