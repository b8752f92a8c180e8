/**
 * Providers on loopback that answer with garbage: one of HTTP/2, and one that writes HTTP/1.1 as
 * bytes. Each answer is drawn from the dice of the case that is under way.
 */

import type http2 from "node:http2";
import type { KeyPair } from "../support/certificate.ts";
import { startH2Server } from "../transports/http/_h2_servers.ts";
import { badAnswer, noise } from "./_answers.ts";
import type { Dice } from "./_fuzz.ts";

interface State {
  /** What answers are drawn from. */
  dice: Dice;
  /** Targets of redirects, besides addresses that do not exist. */
  trap: string;
  /** Bytes of the longest endless body that was taken. */
  longest: number;
  /** Answers so far. */
  answers: number;
}

/** A provider whose answers are bad. */
export interface BadProvider extends State, AsyncDisposable {
  /** `https://localhost:<port>` */
  readonly origin: string;
}

const encoder = new TextEncoder();
const CHUNK = new Uint8Array(65_536).fill(0x61);
/** Starts one that speaks HTTP/2. */
export async function startBadH2(certificate: KeyPair, dice: Dice): Promise<BadProvider> {
  const state = { dice, trap: "http://127.0.0.1:9", longest: 0, answers: 0 };
  const server = await startH2Server({ ...certificate }, (stream) => {
    stream.resume();
    stream.on("end", () => {
      state.answers++;
      try {
        answerH2(stream, state);
      } catch {
        stream.destroy(); // what cannot be said in HTTP/2 is not said
      }
    });
  });
  const dispose = () => server[Symbol.asyncDispose]();
  return Object.assign(state, { origin: server.origin, [Symbol.asyncDispose]: dispose });
}

function answerH2(stream: http2.ServerHttp2Stream, state: State): void {
  const { dice } = state;
  if (dice.chance(0.08)) return stream.close(dice.below(14));
  if (dice.chance(0.04)) return stream.session?.destroy();
  if (dice.chance(0.04)) return stream.session?.goaway(dice.below(14));
  if (dice.chance(0.06)) return; // never
  if (dice.chance(0.1)) stream.additionalHeaders({ ":status": 103, link: "<x>" });
  const { status, headers, body, after } = badAnswer(dice, state.trap);
  stream.respond({ ...headers, ":status": status });
  if (after === "end") return void stream.end(body);
  stream.write(body);
  if (after === "break") stream.close(2);
  if (after !== "endless") return;
  let sent = 0;
  const more = (): void => {
    if (stream.closed || stream.destroyed) return;
    count(state, sent += CHUNK.length);
    stream.write(CHUNK, (failed) => failed || setTimeout(more));
  };
  more();
}

/** Starts one that writes HTTP/1.1, nearly. */
export function startBadH1(certificate: KeyPair, dice: Dice): BadProvider {
  const state = { dice, trap: "http://127.0.0.1:9", longest: 0, answers: 0 };
  const listener = Deno.listenTls({
    ...{ port: 0, hostname: "127.0.0.1", alpnProtocols: ["http/1.1"] },
    ...certificate,
  });
  const open = new Set<Deno.TlsConn>();
  const running: Promise<void>[] = [];
  const done = (async () => {
    try {
      for await (const connection of listener) {
        open.add(connection);
        running.push(serve(connection).catch(() => {}));
      }
    } catch { /* the listener was closed */ }
  })();

  async function serve(connection: Deno.TlsConn): Promise<void> {
    for (;;) {
      await readRequest(connection);
      state.answers++;
      if (!await answerH1(connection, state)) break;
    }
    connection.close();
    open.delete(connection);
  }

  return Object.assign(state, {
    origin: `https://localhost:${(listener.addr as Deno.NetAddr).port}`,
    async [Symbol.asyncDispose]() {
      listener.close();
      for (const connection of open) {
        try {
          connection.close();
        } catch { /* closed already */ }
      }
      await done;
      await Promise.all(running);
    },
  });
}

/** Whether the connection is to go on. */
async function answerH1(
  connection: Deno.TlsConn,
  state: State,
): Promise<boolean> {
  const { dice } = state;
  const write = async (bytes: Uint8Array) => {
    for (let sent = 0; sent < bytes.length;) sent += await connection.write(bytes.subarray(sent));
  };
  if (dice.chance(0.08)) return false;
  if (dice.chance(0.06)) return true; // never
  if (dice.chance(0.08)) {
    await write(noise(dice, 1 + dice.below(3_000)));
    return false;
  }
  const { status, headers, body, after } = badAnswer(dice, state.trap);
  const isChunked = after === "endless" || dice.chance(0.2);
  const framing: Record<string, string> = isChunked
    ? { "transfer-encoding": "chunked" }
    : { "content-length": String(body.length) };
  const lines = Object.entries({ ...framing, ...headers }).map(([name, value]) =>
    `${name}: ${value}`
  );
  const informational = dice.chance(0.1) ? "HTTP/1.1 103 Early\r\n\r\n".repeat(dice.below(50)) : "";
  const head = `${informational}HTTP/1.1 ${status} ${dice.pick(["OK", "", "🔔"])}\r\n`;
  await write(encoder.encode(`${head}${lines.join("\r\n")}\r\n\r\n`));
  if (isChunked) await write(encoder.encode(`${body.length.toString(16)}\r\n`));
  await write(body);
  if (isChunked) await write(encoder.encode("\r\n"));
  for (let sent = 0; after === "endless";) {
    await write(encoder.encode("10000\r\n"));
    await write(CHUNK);
    await write(encoder.encode("\r\n"));
    count(state, sent += CHUNK.length);
  }
  if (after === "end" && isChunked) await write(encoder.encode("0\r\n\r\n"));
  return after !== "break";
}

function count(state: { longest: number }, bytes: number): void {
  state.longest = Math.max(state.longest, bytes);
}

/** Reads a head and a body of the length that it names. */
async function readRequest(connection: Deno.TlsConn): Promise<void> {
  const chunk = new Uint8Array(65_536);
  const decoder = new TextDecoder("latin1");
  let text = "";
  for (;;) {
    const end = text.indexOf("\r\n\r\n");
    const length = Number(/content-length: (\d+)/i.exec(text)?.[1] ?? 0);
    if (end >= 0 && text.length >= end + 4 + length) return;
    const read = await connection.read(chunk);
    if (read === null) throw new Error("gone");
    text += decoder.decode(chunk.subarray(0, read));
  }
}
