/**
 * The sites that `cluster.ts` compares, behind one interface: nodes that accept events for users
 * over HTTP and deliver them to the users' sockets. Carillon on its data file or on Redis, and
 * Socket.IO on Node.js with its Redis streams adapter, which emits events without storing their
 * outcomes.
 */

import { freePort } from "../../tests/support/free_port.ts";
import { type RedisServer, startRedis } from "../../tests/support/redis_server.ts";
import { type CarillonProcess, startCarillon } from "./carillon_process.ts";
import { type NodePeer, startNodePeer } from "./node_peer.ts";

interface SiteEvent {
  readonly user: string;
  readonly data: unknown;
}

/** Some nodes and the Redis that they share. */
export interface Site extends AsyncDisposable {
  readonly ports: readonly number[];
  /** The running nodes. */
  readonly pids: readonly number[];
  /** Redis, where there is one. */
  readonly redisPid: number | undefined;
  /** Returns the path and query that open a socket of a user. */
  target(user: string): Promise<string>;
  /** Sends events to a node in one request; throws where they are not accepted. */
  send(node: number, events: readonly SiteEvent[]): Promise<void>;
  /** Kills a node with SIGKILL. */
  kill(node: number): Promise<void>;
  /** Restarts a killed node at its port. */
  start(node: number): Promise<void>;
}

/** What the processes of both sites have in common. */
interface Process extends AsyncDisposable {
  readonly pid: number;
  kill(): Promise<void>;
}

/** A common setting: a crash of the machine may lose one second, a crash of the process nothing. */
export const REDIS_KEEPS = ["appendfsync everysec"];

/** Starts Carillon; without Redis with one node only. */
export async function startCarillonSite(
  { nodes, redis, properties }: {
    readonly nodes: number;
    readonly redis: boolean;
    readonly properties: readonly string[];
  },
): Promise<Site> {
  const server = redis ? await startRedis({ appendonly: true, config: REDIS_KEEPS }) : undefined;
  const site = await startSite<CarillonProcess>({
    ...{ nodes, server },
    start: (port) => startCarillon(properties, { port, ...(server && { store: server.url }) }),
  });
  return {
    ...site.common,
    async target(user) {
      const session = await site.processes[0]!.session(user);
      return `/socket.io/appsuite/?session=${session}&connection=c${user}`;
    },
    async send(node, events) {
      await site.processes[node]!.publish(
        events.map(({ user, data }) => ({ context: "1", user, topic: "ox:mail:new", data })),
      );
    },
  };
}

/** Starts Socket.IO on Node.js. */
export async function startSocketIoSite(nodes: number): Promise<Site> {
  const server = await startRedis({ appendonly: true, config: REDIS_KEEPS });
  const site = await startSite<NodePeer>({
    ...{ nodes, server },
    start: (port) => startNodePeer("socketio_cluster_node.mjs", [server.url, String(port)]),
  });
  return {
    ...site.common,
    target: (user) => Promise.resolve(`/socket.io/?user=${user}`),
    async send(node, events) {
      const response = await fetch(`http://127.0.0.1:${site.common.ports[node]}/emit`, {
        method: "POST",
        body: JSON.stringify(events),
      });
      await response.body?.cancel();
      if (response.status !== 202) throw new Error(`Not accepted: ${response.status}`);
    },
  };
}

async function startSite<P extends Process>(
  { nodes, server, start }: {
    readonly nodes: number;
    readonly server: RedisServer | undefined;
    readonly start: (port: number) => Promise<P>;
  },
) {
  const ports = Array.from({ length: nodes }, freePort);
  const processes: P[] = [];
  for (const port of ports) processes.push(await start(port));
  const redisPid = server &&
    Number(/process_id:(\d+)/.exec(await server.cli("info", "server"))![1]);
  const common = {
    ports,
    redisPid,
    get pids() {
      return processes.map(({ pid }) => pid);
    },
    kill: (node: number) => processes[node]!.kill(),
    async start(node: number) {
      await processes[node]![Symbol.asyncDispose]();
      const started = await start(ports[node]!);
      processes[node] = started;
    },
    async [Symbol.asyncDispose]() {
      await Promise.all(processes.map((process) => process[Symbol.asyncDispose]()));
      await server?.[Symbol.asyncDispose]();
    },
  };
  return { processes, common };
}
