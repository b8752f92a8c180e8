/** A push service on https that refuses what real ones refuse, for the tests of the transport. */

import { importJWK, jwtVerify } from "jose";
import { makeCertificate } from "../../support/certificate.ts";
import { base64url, bytesOf } from "./_browser.ts";

/** One accepted request. */
export interface Received {
  readonly path: string;
  readonly headers: Headers;
  readonly body: Uint8Array<ArrayBuffer>;
  /** The public key in the `Authorization` header, whose signature was checked. */
  readonly publicKey: string;
}

/** A running push service. */
export interface PushService extends AsyncDisposable {
  /** `https://localhost:<port>` */
  readonly origin: string;
  /** `localhost:<port>`, as an operator would allow it. */
  readonly host: string;
  /** PEM of the certificate to trust. */
  readonly cert: string;
  readonly received: readonly Received[];
}

/**
 * Starts a push service that validates requests; `answer` decides about valid ones. `now` is the
 * time that tokens are checked at, in epoch milliseconds.
 */
export async function startPushService(
  now: () => number,
  answer: (request: Received) => Response = () => new Response(null, { status: 201 }),
): Promise<PushService> {
  const { key, cert } = await makeCertificate();
  const received: Received[] = [];
  const options = { port: 0, hostname: "127.0.0.1", key, cert, onListen() {} };
  const server = Deno.serve(options, async (request) => {
    const url = new URL(request.url);
    const body = new Uint8Array(await request.arrayBuffer());
    const fault = headerFault(request.headers, body.length);
    if (fault) return new Response(fault, { status: 400 });
    const publicKey = await authorized(request.headers, { origin: origin(), now: now() });
    if (!publicKey) return Response.json({ reason: "BadJwtToken" }, { status: 403 });
    const { headers } = request;
    const valid = { path: url.pathname, headers, body, publicKey };
    received.push(valid);
    return answer(valid);
  });
  function origin() {
    return `https://localhost:${server.addr.port}`;
  }
  return {
    origin: origin(),
    host: `localhost:${server.addr.port}`,
    cert,
    received,
    [Symbol.asyncDispose]: () => server.shutdown(),
  };
}

function headerFault(headers: Headers, length: number): string | undefined {
  if (!/^\d+$/.test(headers.get("ttl") ?? "")) return "BadTtl";
  if (!/^(?:very-low|low|normal|high)$/.test(headers.get("urgency") ?? "normal")) {
    return "BadUrgency";
  }
  const topic = headers.get("topic");
  if (topic !== null && (!/^[\w-]{1,32}$/.test(topic) || topic.length % 4 === 1)) {
    return "BadWebPushTopic";
  }
  if (headers.get("content-encoding") !== "aes128gcm") return "BadContentEncoding";
  return length > 4096 ? "PayloadTooLarge" : undefined;
}

async function authorized(
  headers: Headers,
  { origin, now }: { readonly origin: string; readonly now: number },
): Promise<string | undefined> {
  const [, jwt, k] = /^vapid t=([\w.-]+), k=([\w-]+)$/.exec(headers.get("authorization") ?? "") ??
    [];
  if (jwt === undefined || k === undefined) return undefined;
  const point = bytesOf(k);
  const [x, y] = [base64url(point.subarray(1, 33)), base64url(point.subarray(33))];
  const key = await importJWK({ kty: "EC", crv: "P-256", x, y }, "ES256");
  try {
    const { payload } = await jwtVerify(jwt, key, { audience: origin, currentDate: new Date(now) });
    return payload.sub && payload.exp! <= now / 1000 + 86_400 ? k : undefined;
  } catch {
    return undefined;
  }
}
