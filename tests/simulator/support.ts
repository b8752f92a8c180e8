/** Requests to the fakes as a raw client would send them, valid by default. */

import { importPKCS8, SignJWT } from "jose";
import type { FakeConnection, ProviderAnswer, ProviderRequest } from "../../simulator/exchange.ts";
import { createMaterial } from "../../simulator/material.ts";
import { createPushLog } from "../../simulator/push_log.ts";
import { createFakes, type FakesOptions } from "../../simulator/fakes.ts";
import { createFaults } from "../../simulator/faults.ts";
import { FakeClock } from "../support/fake_clock.ts";

/** Credentials for all tests of a file; nothing changes them. */
export const material = await createMaterial({
  now: Date.now(),
  hosts: ["localhost", "127.0.0.1", "::1"],
});

/** Fakes without servers, on the test's clock. */
export function bareFakes(apns: FakesOptions["apns"] = {}) {
  const clock = new FakeClock();
  const faults = createFaults(clock);
  const received = createPushLog({ now: () => clock.now(), keep: 100 });
  const fakes = createFakes({
    material,
    faults,
    received,
    now: () => clock.now(),
    originOf: (name) => `https://${name}.test`,
    apns,
  });
  return { ...fakes, clock, faults, received };
}

/** A separate connection that records its stream limits. */
export function connection(certificate?: Uint8Array, trusted = true) {
  const limits: number[] = [];
  const made: FakeConnection & { readonly limits: readonly number[] } = {
    certificateTrusted: certificate !== undefined && trusted,
    limitStreams: (count) => void limits.push(count),
    limits,
    ...certificate === undefined ? {} : { certificate },
  };
  return made;
}

/** What a raw request is made of. */
export interface Raw {
  readonly method?: string;
  readonly url: string;
  readonly headers?: Readonly<Record<string, string | undefined>>;
  readonly repeated?: readonly string[];
  readonly body?: string | Uint8Array<ArrayBuffer>;
  readonly connection?: FakeConnection;
}

/** A request; headers that are undefined are left out. */
export function request(raw: Raw): ProviderRequest {
  const { pathname, searchParams } = new URL(raw.url, "https://any.test");
  const body = typeof raw.body === "string" ? new TextEncoder().encode(raw.body) : raw.body;
  const headers = Object.fromEntries(
    Object.entries({ "content-length": String(body?.length ?? 0), ...raw.headers })
      .filter(([, value]) => value !== undefined),
  );
  return {
    method: raw.method ?? "POST",
    path: pathname,
    query: searchParams,
    headers,
    repeated: raw.repeated ?? [],
    body: body ?? new Uint8Array(),
    connection: raw.connection ?? connection(),
  };
}

/** What a test looks at of an answer. */
export interface Read {
  readonly status: number;
  readonly kind: ProviderAnswer["kind"];
  readonly headers: Readonly<Record<string, string>>;
  // deno-lint-ignore no-explicit-any
  readonly body: any;
}

/** Status, headers and parsed body of a reply. */
export function read(answer: ProviderAnswer): Read {
  if (answer.kind !== "reply") return { status: 0, kind: answer.kind, headers: {}, body: {} };
  const type = answer.headers?.["content-type"] ?? "";
  return {
    status: answer.status,
    kind: answer.kind,
    headers: answer.headers ?? {},
    body: type.startsWith("application/json") ? JSON.parse(answer.body ?? "") : {},
  };
}

/** Signs claims with a private key in PEM. */
export async function sign(
  claims: Record<string, unknown>,
  header: { readonly alg: string; readonly [name: string]: unknown },
  options: { readonly key: string },
): Promise<string> {
  const key = await importPKCS8(options.key, header.alg);
  return await new SignJWT(claims).setProtectedHeader(header).sign(key);
}
