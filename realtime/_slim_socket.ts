/**
 * What the official Socket.IO keeps for each socket and this service has no use for, taken out
 * once a socket has been let in: two kilobytes of the six that it would otherwise occupy. What
 * remains is the official code working on the same objects; nothing about the wire changes.
 */

import { EventEmitter } from "node:events";
import type { Namespace, Socket } from "socket.io";
import { Decoder } from "socket.io-parser";
import type { EngineSocket, SocketConsumer } from "./_engine_socket.ts";

/** The members of the official `Client` that are used here. It has no public type. */
interface OfficialClient extends SocketConsumer {
  decoder: Decoder;
  sockets: unknown;
  nsps: unknown;
  ondata(data: unknown): void;
  onclose(reason: string, description?: unknown): void;
  onerror(error: Error): void;
  ondecoded(packet: unknown): void;
  destroy(): void;
  /** Takes a packet before the official code; true where that is not to see it. */
  intercept: Intercept;
}

/** Takes a packet of a socket's client; true where the official code is not to see it. */
export type Intercept = (socket: Socket, packet: unknown) => boolean;

/** An adapter without rooms: each user's sockets are found by the index of connections. */
export class NoopAdapter extends EventEmitter {
  readonly nsp: Namespace;
  /** Told of each socket that leaves, whether it had been let in or not. */
  onLeave: ((socketId: string) => void) | undefined;

  constructor(nsp: Namespace) {
    super();
    this.nsp = nsp;
  }

  init(): void {}
  close(): void {}
  addAll(): void {}
  del(): void {}
  delAll(socketId: string): void {
    this.onLeave?.(socketId);
  }
  socketRooms(): undefined {}
}

/** The members of the official `Namespace` that are used here. */
interface OfficialNamespace {
  readonly sockets: Map<string, Socket>;
  /** Sockets that are being let in. */
  readonly _preConnectSockets: Map<string, Socket>;
}

/** The socket of an id, let in or not. */
export function socketOf(namespace: Namespace, id: string): Socket | undefined {
  const { sockets, _preConnectSockets } = namespace as unknown as OfficialNamespace;
  return sockets.get(id) ?? _preConnectSockets.get(id);
}

/** Stands for the handshake when that is over. */
const OVER = Object.freeze({ headers: {}, _query: {}, connection: {} });
/**
 * Nothing here asks clients for acknowledgements, or sets flags or middleware for one socket; and
 * the pid was of use only to be sent.
 */
const UNUSED = {
  acks: new Map(),
  fns: Object.freeze([]),
  flags: Object.freeze({}),
  pid: undefined,
};

/** Socket.IO packets that announce attachments: BINARY_EVENT and BINARY_ACK. */
const WITH_ATTACHMENTS = /^[56]/;

/** The client whose text is being decoded; decoding is synchronous. */
let speaker: OfficialClient;
const textDecoder = new Decoder();
textDecoder.on("decoded", (packet) => {
  const [socket] = (speaker.sockets as Single<Socket>).values();
  if (!socket || !speaker.intercept(socket, packet)) speaker.ondecoded(packet);
});

/** Makes a socket that has been let in as small as it can be. */
export function slimSocket(socket: Socket, intercept: Intercept): void {
  const engine = socket.conn as unknown as EngineSocket;
  const { client } = socket as unknown as { client: OfficialClient };
  // Off with its listeners; the engine calls it directly from now on.
  client.destroy();
  const { onclose, onerror, ondecoded } = Object.getPrototypeOf(client) as OfficialClient;
  Object.assign(client, {
    ondata: receive,
    onclose,
    onerror,
    ondecoded,
    decoder: textDecoder,
    intercept,
    sockets: new Single(socket.id, socket),
    nsps: new Single(socket.nsp.name, socket),
  });
  engine.attach(client);
  Object.assign(engine, { request: OVER });
  Object.assign(socket, { handshake: OVER, ...UNUSED });
}

/** The official `ondata` with one decoder for all clients, except where attachments follow. */
function receive(this: OfficialClient, data: unknown): void {
  if (this.decoder === textDecoder && typeof data === "string" && WITH_ATTACHMENTS.test(data)) {
    this.decoder = new Decoder();
    this.decoder.on("decoded", (packet) => this.ondecoded(packet));
  }
  speaker = this;
  Object.getPrototypeOf(this).ondata.call(this, data);
}

/** A map for the one namespace that there is. */
class Single<V> {
  #key: string | undefined;
  #value: V | undefined;

  constructor(key: string, value: V) {
    this.#key = key;
    this.#value = value;
  }

  get size(): number {
    return this.#key === undefined ? 0 : 1;
  }

  has(key: string): boolean {
    return this.#key === key;
  }

  get(key: string): V | undefined {
    return this.#key === key ? this.#value : undefined;
  }

  set(key: string, value: V): this {
    this.#key = key;
    this.#value = value;
    return this;
  }

  delete(key: string): boolean {
    if (this.#key !== key) return false;
    this.clear();
    return true;
  }

  clear(): void {
    this.#key = this.#value = undefined;
  }

  values(): V[] {
    return this.#key === undefined ? [] : [this.#value!];
  }
}
