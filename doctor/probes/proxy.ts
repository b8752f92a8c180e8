/**
 * Reaches the service as a browser does, through whatever is in front of it: a polling handshake
 * with an `Origin`, WebSocket handshakes on a bare connection, a socket that stays silent, and a
 * stream of server-sent events.
 */

import type { Clock } from "../../core/clock.ts";
import { messageOf } from "../../core/errors.ts";
import type { ClockFacts, ProxyFacts } from "../facts.ts";
import { probeStream } from "./stream.ts";

/** What probing takes. */
interface ProxyProbeOptions {
  readonly address: string;
  /** With scope `subscribe` or `admin`; without it, sockets are not probed. */
  readonly key: string | undefined;
  readonly origin: string | undefined;
  /** A client that streams and plain WebSockets are opened for; absent where there is only one. */
  readonly streamClient: string | undefined;
  /** Whether to wait for longer than a ping interval. */
  readonly idle: boolean;
  readonly fetch: typeof globalThis.fetch;
  readonly clock: Clock;
}

/** What was found. */
interface ProxyProbe {
  readonly proxy: ProxyFacts;
  /** By the header `Date`, which has whole seconds. */
  readonly serviceClock?: ClockFacts;
}

const PATH = "/socket.io/appsuite/?EIO=4";
const TIMEOUT_MS = 10_000;
/** A client of the service sends nothing of its own accord; the server pings. */
const IDLE_SLACK_MS = 2_000;

/** Probes the address. */
export async function probeProxy(options: ProxyProbeOptions): Promise<ProxyProbe> {
  const { address, fetch, clock } = options;
  let serviceClock: ClockFacts | undefined;
  let proxy: ProxyFacts;
  try {
    const before = clock.now();
    const response = await fetch(`${address}/livez`, { signal: AbortSignal.timeout(TIMEOUT_MS) });
    await response.body?.cancel();
    if (!response.ok) throw new Error(`GET /livez: ${response.status}`);
    const date = Date.parse(response.headers.get("date") ?? "");
    if (Number.isFinite(date)) {
      const aheadMs = date + 500 - (before + clock.now()) / 2;
      serviceClock = { whose: "the service", aheadMs, withinMs: 1_500 };
    }
    proxy = await probeSockets(options);
  } catch (thrown) {
    proxy = { address, fault: messageOf(thrown, 200) };
  }
  return { proxy, ...serviceClock && { serviceClock } };
}

/** Probes the ways of sockets and streams with a session; without a key there is none. */
async function probeSockets(options: ProxyProbeOptions): Promise<ProxyFacts> {
  const { address, key, fetch, clock, origin, streamClient: client } = options;
  if (key === undefined) return { address };
  const signal = () => AbortSignal.timeout(TIMEOUT_MS);
  const minted = await fetch(`${address}/v1/sessions`, {
    method: "POST",
    headers: { authorization: `Bearer ${key}`, "content-type": "application/json" },
    body: JSON.stringify({ context: "carillon-doctor", user: "doctor", ttl: 600 }),
    signal: signal(),
  });
  if (!minted.ok) {
    await minted.body?.cancel();
    return { address };
  }
  const { token } = await minted.json();
  const session = `session=${encodeURIComponent(token)}`;
  async function poll(from: string) {
    const response = await fetch(`${address}${PATH}&transport=polling&${session}`, {
      headers: { origin: from },
      signal: signal(),
    });
    const [, pingInterval = "25000"] = /"pingInterval":(\d+)/.exec(await response.text()) ?? [];
    return { status: response.status, pingIntervalMs: Number(pingInterval) };
  }
  const { status: ownOrigin, pingIntervalMs } = await poll(new URL(address).origin);
  const waitMs = options.idle ? pingIntervalMs + IDLE_SLACK_MS : 0;
  const plain = client === undefined ? "" : `&client=${encodeURIComponent(client)}`;
  const [socket, plainSocket, stream] = await Promise.all([
    openSilent(new URL(`${address}${PATH}&transport=websocket&${session}`), { clock, waitMs }),
    openSilent(new URL(`${address}/v1/socket?${session}${plain}`), { clock, waitMs: 0 }),
    probeStream(address, { session: token, client, waitMs, fetch, clock }),
  ]);
  return {
    ...{ address, ownOrigin, pingIntervalMs },
    ...origin !== undefined && { otherOrigin: { origin, status: (await poll(origin)).status } },
    upgrades: { "/socket.io/": socket.upgrade, "/v1/socket": plainSocket.upgrade },
    ...socket.idle !== undefined && { idle: socket.idle },
    ...stream && { stream },
  };
}

/** A WebSocket handshake byte by byte: the runtime's client does not tell the status. */
async function openSilent(
  url: URL,
  { clock, waitMs }: { readonly clock: Clock; readonly waitMs: number },
): Promise<Pick<ProxyFacts, "idle"> & { readonly upgrade: number }> {
  const isTls = url.protocol === "https:";
  const port = Number(url.port || (isTls ? 443 : 80));
  const hostname = url.hostname.replace(/^\[|\]$/g, "");
  const connection = isTls
    ? await Deno.connectTls({ hostname, port })
    : await Deno.connect({ hostname, port });
  let isOver = false;
  const timers = [clock.after(TIMEOUT_MS + waitMs, end)];
  function end(): void {
    if (isOver) return;
    isOver = true;
    connection.close();
  }
  try {
    const nonce = crypto.getRandomValues(new Uint8Array(16)).toBase64();
    await connection.write(new TextEncoder().encode(
      `GET ${url.pathname}${url.search} HTTP/1.1\r\nHost: ${url.host}\r\nOrigin: ${url.origin}\r\n` +
        `Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n` +
        `Sec-WebSocket-Key: ${nonce}\r\n\r\n`,
    ));
    const buffer = new Uint8Array(16 * 1024);
    const count = await connection.read(buffer) ?? 0;
    const head = new TextDecoder().decode(buffer.subarray(0, count));
    const status = Number(/^HTTP\/1\.\d (\d{3})/.exec(head)?.[1] ?? 0);
    if (status !== 101 || waitMs === 0) return { upgrade: status };
    const opened = clock.monotonic();
    timers.push(clock.after(waitMs, end));
    for (;;) {
      const read = await connection.read(buffer).catch(() => null);
      if (isOver) return { upgrade: status, idle: "open" };
      if (read === null) return { upgrade: status, idle: clock.monotonic() - opened };
      // A text frame of one character, `2`: the server's ping has come through.
      if (hasPing(buffer.subarray(0, read))) return { upgrade: status, idle: "open" };
    }
  } catch {
    return { upgrade: 0 };
  } finally {
    for (const timer of timers) timer.cancel();
    end();
  }
}

function hasPing(bytes: Uint8Array): boolean {
  for (let at = 0; at + 2 < bytes.length; at++) {
    if (bytes[at] === 0x81 && bytes[at + 1] === 1 && bytes[at + 2] === 0x32) return true;
  }
  return false;
}
