/**
 * Puts the fake providers together: one handler per server, with shared faults and a shared log of
 * received pushes. No sockets.
 */

import { IssuedTokens } from "./access_tokens.ts";
import type { ServerName } from "./addresses.ts";
import { createApns } from "./apns.ts";
import { type ApnsEnvironment, type ApnsKey, createApnsTokenCheck } from "./apns_token.ts";
import type { ProviderHandler } from "./exchange.ts";
import type { FakeDeps } from "./fake_answers.ts";
import { createFcm } from "./fcm.ts";
import { createGcm, GCM_PATHS } from "./gcm.ts";
import { createGoogleToken } from "./google_token.ts";
import type { Material } from "./material.ts";
import { createWebPush, type WebPush } from "./webpush.ts";
import { createWns } from "./wns.ts";
import { createWnsTokens, isWnsTokenPath } from "./wns_tokens.ts";

/** Settings of the fake APNs. */
interface ApnsSettings {
  /** Apple's environment. @default {"production"} */
  readonly environment?: ApnsEnvironment;
  /** Signing keys in addition to the material's own. */
  readonly keys?: readonly ApnsKey[];
  /** Bundle ids that all keys may push to, in addition to the material's own. */
  readonly bundleIds?: readonly string[];
  /** Streams of a connection after its sender is authenticated. @default {1000} */
  readonly streams?: number;
}

/** Settings of {@link createFakes}. */
export interface FakesOptions extends FakeDeps {
  readonly material: Material;
  /** Epoch milliseconds. */
  readonly now: () => number;
  readonly originOf: (name: ServerName) => string;
  readonly apns?: ApnsSettings;
}

interface Fakes {
  readonly handlers: Readonly<Record<Exclude<ServerName, "api">, ProviderHandler>>;
  readonly subscribe: WebPush["subscribe"];
  /** Invalidates every issued access token. */
  readonly revokeTokens: () => void;
}

const GOOGLE_TOKEN_SECONDS = 3599;
const WNS_TOKEN_SECONDS = 86_400;

/** Creates all fakes. */
export function createFakes(options: FakesOptions): Fakes {
  const { material, now, originOf } = options;
  const shared = { faults: options.faults, received: options.received };
  const googleTokens = new IssuedTokens({ now, lifetimeSeconds: GOOGLE_TOKEN_SECONDS });
  const wnsTokens = new IssuedTokens({ now, lifetimeSeconds: WNS_TOKEN_SECONDS });

  const googleToken = createGoogleToken({
    ...shared,
    clientEmail: material.fcm.clientEmail,
    privateKeyId: material.fcm.privateKeyId,
    key: material.fcm.privateKey,
    tokenUri: () => `${originOf("google")}/token`,
    tokens: googleTokens,
    now,
  });
  const fcm = createFcm({ ...shared, projectId: material.fcm.projectId, tokens: googleTokens });
  const gcm = createGcm({ ...shared, key: material.gcm.key });
  const wnsToken = createWnsTokens({ ...shared, ...material.wns, tokens: wnsTokens });
  const wns = createWns({ ...shared, tokens: wnsTokens });
  const webpush = createWebPush({ ...shared, now, origin: () => originOf("webpush") });

  return {
    handlers: {
      apns: createFakeApns(options),
      google(request) {
        if (request.path === "/token") return googleToken(request);
        return GCM_PATHS.has(request.path) ? gcm(request) : fcm(request);
      },
      wns: (request) => isWnsTokenPath(request.path) ? wnsToken(request) : wns(request),
      webpush: webpush.handle,
    },
    subscribe: webpush.subscribe,
    revokeTokens() {
      googleTokens.revoke();
      wnsTokens.revoke();
    },
  };
}

function createFakeApns(
  { material, faults, received, now, apns = {} }: FakesOptions,
): ProviderHandler {
  const { keyId, teamId, privateKey, bundleId } = material.apns;
  return createApns({
    checkToken: createApnsTokenCheck({
      keys: [{ keyId, teamId, key: privateKey }, ...apns.keys ?? []],
      environment: apns.environment ?? "production",
      now,
    }),
    bundleIds: new Set([bundleId, ...apns.bundleIds ?? []]),
    streams: apns.streams ?? 1000,
    faults,
    received,
    now,
  });
}
