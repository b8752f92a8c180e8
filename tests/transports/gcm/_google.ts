/** The transport `gcm` and fakes of Google's servers, over TLS on loopback. */

import assert from "node:assert/strict";
import { type Clock, systemClock } from "../../../core/clock.ts";
import type { SharedTokens } from "../../../core/shared_tokens.ts";
import { createGcmTransport, type GcmOptions } from "../../../transports/gcm/mod.ts";
import { makeCertificate } from "../../support/certificate.ts";
import type { MakeEngine } from "../http/_engines.ts";
import { makeServiceAccount, realDeps, type SeenRequest, startProvider } from "./fake_provider.ts";

export const certificate = await makeCertificate();
export const account = await makeServiceAccount();
export const FILES = { "/ca.pem": certificate.cert, "/account.json": account.json };
export const never = new AbortController().signal;

type Answer = (request: SeenRequest) => Response | Promise<Response>;

/** FCM's answer to an accepted message. */
export function sent(): Response {
  return Response.json({ name: "projects/demo-project/messages/1" });
}

/** FCM's answer to an invalid access token. */
export function refused(): Response {
  return Response.json({ error: { status: "UNAUTHENTICATED" } }, { status: 401 });
}

/** A provider that issues `token-1`, `token-2` … and lets `push` answer everything else. */
export function startGoogle(push: Answer, token?: Answer) {
  let minted = 0;
  return startProvider(certificate, (request) => {
    if (request.path !== "/token") return push(request);
    return token?.(request) ??
      Response.json({ access_token: `token-${++minted}`, expires_in: 3599, token_type: "Bearer" });
  });
}

/** What the transport needs, with an engine over one connection. */
export function gcmDeps(
  makeEngine: MakeEngine,
  files: Record<string, string> = FILES,
  clock: Clock = systemClock,
) {
  return { ...realDeps(files), clock, engine: makeEngine(clock, { connections: 1 }) };
}

/** The transport with a client `app` that has a service account. */
export async function configured(
  makeEngine: MakeEngine,
  origin: string,
  { sharedTokens, clock, ...more }: Partial<GcmOptions> & {
    readonly sharedTokens?: SharedTokens;
    readonly clock?: Clock;
  } = {},
) {
  const deps = sharedTokens === undefined ? {} : { sharedTokens };
  const transport = createGcmTransport({ ...gcmDeps(makeEngine, FILES, clock), ...deps });
  const faults = await transport.configure(
    new Map([["app", {
      serviceaccount: "/account.json",
      address: origin,
      tokenaddress: `${origin}/token`,
      cafile: "/ca.pem",
      ...more,
    }]]),
  );
  assert.deepEqual(faults, []);
  return transport;
}

/** The same with a server key. */
export async function configuredLegacy(makeEngine: MakeEngine, address: string) {
  const transport = createGcmTransport(gcmDeps(makeEngine));
  await transport.configure(new Map([["app", { key: "AIza", address, cafile: "/ca.pem" }]]));
  return transport;
}
