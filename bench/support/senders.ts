/**
 * The senders that the fan-out is measured with, which send the same events to the same clients: a
 * bare loop of sends, the engine and hub alone, the whole service, and the peer.
 */

import { freePort } from "../../tests/support/free_port.ts";
import {
  type CarillonProcess,
  publisherTo,
  startCarillon,
  type StartOptions,
} from "./carillon_process.ts";
import { startDenoServer } from "./deno_server.ts";
import { startNodePeer } from "./node_peer.ts";
import { spawnSwarm, type SwarmProcess } from "./swarm_process.ts";

/** A server with open sockets. */
export interface Sender extends AsyncDisposable {
  readonly pid: number;
  readonly swarm: SwarmProcess;
  /** Sends a number of events to every socket. */
  send(rounds: number): Promise<unknown>;
}

/** A server that passes publishes on to the sockets of its users. */
export type LatencyServer =
  & Pick<CarillonProcess, "pid" | "port" | "session" | "publish">
  & AsyncDisposable;

/** The example of the documentation. */
export const MAIL = {
  folder: "default0/INBOX",
  id: "113",
  email: "jane.doe@foobar.com",
  displayname: "Jane Doe",
  subject: "Let's meet",
  unread: 83,
  teaser: "Hello",
};

/** Lifts the limits that would slow down a measurement. */
export const COMMON = [
  "io.carillon.websocket.handshakesPerSecond=1000000",
  "io.carillon.buffer.maxNotifications=2000000",
  "io.carillon.buffer.maxBytes=2000000000",
];

/** The same, and notifications have no delay. */
export const AT_ONCE = [...COMMON, "com.openexchange.pns.delayDuration=0"];

const BATCH = 1000;
const PUBLISHERS = 4;

/** Starts a loop of `WebSocket.send` on Deno. */
export async function startBareSender(sockets: number): Promise<Sender> {
  const server = await startDenoServer("bare_websockets.ts");
  return await commanded(server, sockets);
}

/** Starts a loop that writes to streams of server-sent events, by `Deno.serve` or `node:http`. */
export async function startBareStreams(sockets: number, by = "Deno.serve"): Promise<Sender> {
  const server = await startDenoServer("bare_streams.ts", { env: { STREAMS_BY: by } });
  return await commanded(server, sockets, { revision: "sse", path: "/v1/stream" });
}

/** Starts the realtime server and its hub, without HTTP, store and delivery. */
export async function startEngineSender(sockets: number): Promise<Sender> {
  const server = await startDenoServer("realtime_alone.ts");
  return await commanded(server, sockets);
}

/** Starts the peer: Socket.IO on Node.js, emitting from memory, one call for each socket. */
export async function startPeerSender(sockets: number): Promise<Sender> {
  return await commanded(await startNodePeer("socketio_node.mjs"), sockets);
}

/** Starts the whole service, with several publishers that send batches. */
export async function startServiceSender(
  sockets: number,
  { revision = 4, hasStreamsPort = false, ...options }: StartOptions & {
    readonly revision?: 4 | "sse" | "json";
    /** Whether they are opened at the second port. */
    readonly hasStreamsPort?: boolean;
  } = {},
): Promise<Sender & { readonly service: CarillonProcess }> {
  const streams = hasStreamsPort ? streamsPort() : undefined;
  const carillon = await startCarillon([...AT_ONCE, ...streams?.properties ?? []], options);
  const swarm = await openSockets({ ...carillon, ...streams }, sockets, revision);
  let mail = 0;

  async function send(rounds: number): Promise<void> {
    const queue = Array.from({ length: rounds }, () => {
      const id = String(mail++);
      return Array.from({ length: Math.ceil(sockets / BATCH) }, (_, part) => ({ id, part }));
    }).flat();
    await Promise.all(Array.from({ length: PUBLISHERS }, async () => {
      for (let batch = queue.shift(); batch; batch = queue.shift()) {
        const { id, part } = batch;
        const users = Math.min(BATCH, sockets - part * BATCH);
        await carillon.publish(Array.from({ length: users }, (_, n) => ({
          ...{ context: "1", user: String(part * BATCH + n), topic: "ox:mail:new" },
          data: { ...MAIL, id },
        })));
      }
    }));
  }

  return {
    ...{ pid: carillon.pid, service: carillon, swarm, send },
    [Symbol.asyncDispose]: () => close(swarm, carillon),
  };
}

/** Starts the floor of latency, which takes the place of the service. */
export async function startBareRelay(): Promise<LatencyServer> {
  const server = await startDenoServer("bare_relay.ts");
  const port = Number(server.greeting);
  return {
    ...{ pid: server.pid, port, session: (user) => Promise.resolve(user) },
    publish: publisherTo({ port, adminKey: "" }),
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  };
}

/** A free port as the second one, and the setting that opens it. */
export function streamsPort(): { readonly port: number; readonly properties: readonly string[] } {
  const port = freePort();
  return { port, properties: [`io.carillon.streams.port=${port}`] };
}

const PATHS = { 4: "/socket.io/appsuite/", sse: "/v1/stream", json: "/v1/socket" } as const;

/** Opens one connection for each of a number of users. */
export async function openSockets(
  carillon: { readonly port: number; session(user: string): Promise<string> },
  sockets: number,
  revision: keyof typeof PATHS = 4,
): Promise<SwarmProcess> {
  const targets = await Promise.all(Array.from({ length: sockets }, async (_, n) => {
    const session = await carillon.session(String(n));
    return `${PATHS[revision]}?session=${session}&connection=c${n}`;
  }));
  return await spawnSwarm({ hostname: "127.0.0.1", port: carillon.port, revision, targets });
}

interface Server extends AsyncDisposable {
  readonly pid: number;
  readonly greeting: string;
  ask(line: string): Promise<string>;
}

async function commanded(
  server: Server,
  sockets: number,
  { revision = 4, path = "/socket.io/" }: {
    readonly revision?: 4 | "sse";
    readonly path?: string;
  } = {},
): Promise<Sender> {
  const targets = Array.from(
    { length: sockets },
    (_, n) => `${path}?session=${n}&connection=c${n}`,
  );
  const port = Number(server.greeting);
  const swarm = await spawnSwarm({ hostname: "127.0.0.1", port, revision, targets });
  return {
    pid: server.pid,
    swarm,
    send: (rounds) => server.ask(`emit ${rounds} ${JSON.stringify(MAIL)}`),
    [Symbol.asyncDispose]: () => close(swarm, server),
  };
}

async function close(swarm: SwarmProcess, server: AsyncDisposable): Promise<void> {
  await swarm[Symbol.asyncDispose]();
  await server[Symbol.asyncDispose]();
}
