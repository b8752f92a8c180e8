/** The service and an APNs server for the tests, connected by real HTTP/2 and TLS. */

import { Buffer } from "node:buffer";
import type http2 from "node:http2";
import { generateKeyPairSync } from "node:crypto";
import type { SharedTokens } from "../../../core/shared_tokens.ts";
import {
  type ApnOptions,
  apnOptionsSchema,
  createApnTransport,
} from "../../../transports/apn/mod.ts";
import { FakeClock } from "../../support/fake_clock.ts";
import { makeCertificate } from "../../support/certificate.ts";
import type { MakeEngine } from "../http/_engines.ts";
import { startH2Server } from "../http/_h2_servers.ts";

/** A push as the server saw it. */
export interface Push {
  readonly path: string;
  readonly headers: http2.IncomingHttpHeaders;
  readonly body: Record<string, unknown>;
  /** Common name of the client's certificate. */
  readonly peer: string | undefined;
  /** Number of the session, from 1. */
  readonly session: number;
}

/** What the server answers; `undefined`: it never answers. */
export type Answer = { readonly status: number; readonly reason?: string } | undefined;

export const serverPair = await makeCertificate();
const keys = generateKeyPairSync("ec", { namedCurve: "P-256" });
export const publicKey = keys.publicKey;

/** The files that client entries of the tests name. */
export function files(): Map<string, Uint8Array> {
  const encoder = new TextEncoder();
  const key = keys.privateKey.export({ type: "pkcs8", format: "pem" }) as string;
  return new Map([
    ["/etc/key.p8", encoder.encode(key)],
    ["/etc/ca.pem", encoder.encode(serverPair.cert)],
  ]);
}

/** Reads the files of a test. */
export function readersOf(disk: ReadonlyMap<string, Uint8Array>) {
  const readFile = (path: string) => {
    const bytes = disk.get(path);
    return bytes ? Promise.resolve(bytes) : Promise.reject(new Deno.errors.NotFound("no"));
  };
  const decoder = new TextDecoder();
  return { readFile, readTextFile: async (path: string) => decoder.decode(await readFile(path)) };
}

/** An APNs that answers as a test says, at most 100 streams at once. */
export async function startApns(
  answer: (push: Push) => Answer,
  tls: http2.SecureServerOptions = {},
) {
  const pushes: Push[] = [];
  const numbers = new Map<unknown, number>();
  const server = await startH2Server(
    { ...serverPair, settings: { maxConcurrentStreams: 100 }, ...tls },
    (stream, headers) => {
      const { session } = stream;
      if (!numbers.has(session)) numbers.set(session, numbers.size + 1);
      const socket = session!.socket as unknown as {
        getPeerCertificate(): { subject?: { CN?: string } } | undefined;
      };
      const peer = tls.requestCert ? socket.getPeerCertificate()?.subject?.CN : undefined;
      const chunks: Uint8Array[] = [];
      stream.on("data", (chunk: Uint8Array) => chunks.push(chunk));
      stream.on("end", () => {
        const push: Push = {
          path: String(headers[":path"]),
          headers,
          body: JSON.parse(Buffer.concat(chunks).toString()),
          peer,
          session: numbers.get(session)!,
        };
        pushes.push(push);
        const given = answer(push);
        if (!given) return;
        stream.respond({ ":status": given.status, "apns-id": headers["apns-id"] });
        stream.end(given.reason && JSON.stringify({ reason: given.reason }));
      });
    },
  );
  return Object.assign(server, { pushes });
}

/** An entry with a token key for a server of the tests. */
export function jwtEntry(origin: string, extra: Record<string, unknown> = {}): ApnOptions {
  return apnOptionsSchema.parse({
    privatekey: "/etc/key.p8",
    keyid: "ABC1234567",
    teamid: "TEAM123456",
    topic: "com.example.app",
    address: origin,
    cafile: "/etc/ca.pem",
    ...extra,
  });
}

/** A transport over real connections, with a clock and files of the test. */
export function createRig(
  makeEngine: MakeEngine,
  { sharedTokens }: { readonly sharedTokens?: SharedTokens } = {},
) {
  const clock = new FakeClock();
  const disk = files();
  const transport = createApnTransport({
    clock,
    engine: makeEngine(clock, { connections: 1 }),
    createHttpClient: Deno.createHttpClient,
    ...sharedTokens !== undefined && { sharedTokens },
    ...readersOf(disk),
  });
  return {
    clock,
    disk,
    transport,
    configure: (clients: Record<string, ApnOptions>) =>
      transport.configure(new Map(Object.entries(clients))),
    [Symbol.asyncDispose]: () => transport[Symbol.asyncDispose](),
  };
}
