/**
 * The transport `apn`: Apple's Push Notification service over HTTP/2, with a certificate or a token
 * key per app. It makes one attempt and returns the outcome; the pipeline retries and removes
 * tokens.
 */

import { createHash } from "node:crypto";
import { ServiceError } from "../../core/errors.ts";
import type { ConfigurableTransport } from "../../core/transport.ts";
import {
  ClientConfigError,
  ClientSet,
  type FileAccess,
  type PreparedClient,
  readCaFile,
  readConfigFile,
} from "../clients/mod.ts";
import { ApnClient, type ApnRuntime } from "./client.ts";
import { loadCredential, tlsFault } from "./credentials.ts";
import type { ApnOptions } from "./settings.ts";

export { type ApnOptions, apnOptionsSchema } from "./settings.ts";

interface ApnDeps extends ApnRuntime, FileAccess {
  readonly readFile: (path: string) => Promise<Uint8Array>;
}

const PRODUCTION = "https://api.push.apple.com";
const SANDBOX = "https://api.sandbox.push.apple.com";
const ADDRESS = /^(?:[0-9a-f]{2}){4,100}$/;

/** Creates the transport; it has no clients until it is configured. */
export function createApnTransport(deps: ApnDeps): ConfigurableTransport<ApnOptions> {
  const clients = new ClientSet((options: ApnOptions) => prepare(options, deps));
  return clients.transport({
    name: "apn",
    traits: { maxPayloadBytes: 4096, maxConcurrent: deps.engine.maxConcurrent },
    parseAddress: (_client, raw) => parseDeviceToken(raw),
  });
}

function parseDeviceToken(raw: unknown): string {
  const token = typeof raw === "string" ? raw.trim().toLowerCase() : "";
  if (ADDRESS.test(token)) return token;
  throw new ServiceError(
    "invalid_token",
    "Cannot use the token: an APNs device token is 8 to 200 hexadecimal digits, in pairs",
  );
}

/** @throws {ClientConfigError} where one of the files cannot be read. */
async function prepare(
  { auth, ...options }: ApnOptions,
  deps: ApnDeps,
): Promise<PreparedClient<ApnClient>> {
  if (!auth) throw new ClientConfigError("needs a keystore or a token key");
  const file = auth.type === "certificate" ? auth.keystore : auth.privatekey;
  const bytes = await readConfigFile(deps.readFile, file);
  const caCerts = await readCaFile(deps, options.cafile);
  const digest = createHash("sha256").update(bytes).digest("base64");
  return {
    fingerprint: JSON.stringify([options, auth, caCerts, digest]),
    environment: (options.production ? "production" : "sandbox") +
      (options.address === undefined ? "" : ` at ${options.address}`),
    async open() {
      const nowMs = deps.clock.now();
      const loaded = await loadCredential({ ...options, auth }, { bytes, nowMs });
      const origin = options.address ?? (options.production ? PRODUCTION : SANDBOX);
      try {
        return new ApnClient({ ...loaded, origin, caCerts, runtime: deps });
      } catch (error) {
        throw new ClientConfigError(`cannot be used: ${tlsFault(error)}`, file);
      }
    },
  };
}
