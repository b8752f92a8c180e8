/** What the tests of the transports to Google and Microsoft share: a message, a target, a fake. */

import type { Message } from "../../../core/message.ts";
import type { Target, TransportName } from "../../../core/subscription.ts";
import { systemClock } from "../../../core/clock.ts";
import type { KeyPair } from "../../support/certificate.ts";

/** A mail notification as a generator makes it. */
export function mailMessage(changes: Partial<Message> = {}): Message {
  return {
    id: "0198c0de-0000-7000-8000-000000000001",
    topic: "ox:mail:new",
    data: { folder: "default0/INBOX", id: "113", unread: 83 },
    priority: "high",
    silent: false,
    title: "Jane Doe",
    body: "Let's meet",
    ...changes,
  };
}

/** A message that only wakes the app. */
export function silentMessage(changes: Partial<Message> = {}): Message {
  const { title: _title, body: _body, ...rest } = mailMessage();
  return { ...rest, silent: true, ...changes };
}

/** A stored address of client `app`. */
export function targetOf(transport: TransportName, token: string, client = "app"): Target {
  return { context: "1", user: "2", client, transport, token, refreshedAt: 0 };
}

/** A request as the fake got it, with its body read. */
export interface SeenRequest {
  readonly method: string;
  readonly path: string;
  readonly headers: Headers;
  readonly body: string;
}

/** A provider on loopback whose answers a test scripts. */
export interface FakeProvider extends AsyncDisposable {
  /** `https://localhost:<port>` */
  readonly origin: string;
  /** `localhost:<port>` */
  readonly host: string;
  readonly seen: readonly SeenRequest[];
}

/** Starts a provider that speaks HTTP/1.1 and HTTP/2 over TLS. */
export function startProvider(
  certificate: KeyPair,
  answer: (request: SeenRequest) => Response | Promise<Response>,
): FakeProvider {
  const seen: SeenRequest[] = [];
  const server = Deno.serve({
    ...certificate,
    port: 0,
    hostname: "127.0.0.1",
    onListen() {},
    async handler(request) {
      const { pathname: path } = new URL(request.url);
      // The request's own headers end with it.
      const { method } = request;
      const headers = new Headers(request.headers);
      const entry = { method, path, headers, body: await request.text() };
      seen.push(entry);
      return answer(entry);
    },
  });
  const host = `localhost:${server.addr.port}`;
  return {
    origin: `https://${host}`,
    host,
    seen,
    [Symbol.asyncDispose]: () => server.shutdown(),
  };
}

/** The machine's own network and clock, and files that exist only here. */
export function realDeps(files: Record<string, string>) {
  return {
    clock: systemClock,
    fetch,
    createHttpClient: Deno.createHttpClient,
    readTextFile: filesOf(files),
  };
}

/** Reads from a record; any other file does not exist. */
export function filesOf(files: Record<string, string>) {
  return (path: string) => {
    const text = files[path];
    return text === undefined
      ? Promise.reject(new Deno.errors.NotFound(path))
      : Promise.resolve(text);
  };
}

/** Created once, because an RSA key takes a while. */
let madeKeys: Promise<CryptoKeyPair> | undefined;

/** A public key and the service account file that holds its private half. */
export async function makeServiceAccount(changes: Record<string, unknown> = {}) {
  madeKeys ??= crypto.subtle.generateKey(
    {
      name: "RSASSA-PKCS1-v1_5",
      modulusLength: 2048,
      publicExponent: new Uint8Array([1, 0, 1]),
      hash: "SHA-256",
    },
    true,
    ["sign", "verify"],
  );
  const { privateKey, publicKey } = await madeKeys;
  const der = new Uint8Array(await crypto.subtle.exportKey("pkcs8", privateKey));
  const file = {
    type: "service_account",
    project_id: "demo-project",
    private_key_id: "key-1",
    private_key: `-----BEGIN PRIVATE KEY-----\n${der.toBase64()}\n-----END PRIVATE KEY-----\n`,
    client_email: "push@demo-project.iam.gserviceaccount.com",
    token_uri: "https://oauth2.googleapis.com/token",
    ...changes,
  };
  return { json: JSON.stringify(file), publicKey };
}
