/**
 * Removes what the official Socket.IO keeps for each socket and this service does not use, once the
 * socket is admitted: two of the six kilobytes that a socket would occupy. The official code goes
 * on working on the same objects; nothing changes on the wire.
 */

import { EventEmitter } from "node:events";
import type { Namespace, Socket } from "socket.io";
import { Decoder } from "socket.io-parser";
import type { EngineSocket, SocketConsumer } from "./_engine_socket.ts";

/** The members of the official `Client` that this code uses. It has no public type. */
interface OfficialClient extends SocketConsumer {
  decoder: Decoder;
  sockets: unknown;
  nsps: unknown;
  ondata(data: unknown): void;
  onclose(reason: string, description?: unknown): void;
  onerror(error: Error): void;
  ondecoded(packet: unknown): void;
  destroy(): void;
  intercept: Intercept;
}

/** Receives each packet of a client first; true where the official code is not to process it. */
type Intercept = (socket: Socket, packet: unknown) => boolean;

/** An adapter without rooms: the index of connections finds a user's sockets. */
export class NoopAdapter extends EventEmitter {
  readonly nsp: Namespace;
  /** Called for each socket that leaves, admitted or not. */
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

/** The members of the official `Namespace` that this code uses. */
interface OfficialNamespace {
  readonly sockets: Map<string, Socket>;
  /** Sockets that are being admitted. */
  readonly _preConnectSockets: Map<string, Socket>;
}

/** Returns the socket with an id, admitted or not. */
export function socketOf(namespace: Namespace, id: string): Socket | undefined {
  const { sockets, _preConnectSockets } = namespace as unknown as OfficialNamespace;
  return sockets.get(id) ?? _preConnectSockets.get(id);
}

/** Takes the place of the handshake data, which nothing reads after admission. */
const NO_HANDSHAKE = Object.freeze({ headers: {}, _query: {}, connection: {} });
/**
 * `_acknowledgements.ts` handles acknowledgements; flags and middleware of one socket are not used here, and nothing
 * reads the pid after it was sent.
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
let decoding: OfficialClient;
const textDecoder = new Decoder();
textDecoder.on("decoded", (packet) => {
  const [socket] = (decoding.sockets as SingleEntryMap<Socket>).values();
  if (!socket || !decoding.intercept(socket, packet)) decoding.ondecoded(packet);
});

/** Frees what an admitted socket does not need. */
export function slimSocket(socket: Socket, intercept: Intercept): void {
  const engine = socket.conn as unknown as EngineSocket;
  const { client } = socket as unknown as { client: OfficialClient };
  // Removes its listeners; the engine calls the client directly from now on.
  client.destroy();
  const { onclose, onerror, ondecoded } = Object.getPrototypeOf(client) as OfficialClient;
  Object.assign(client, {
    ondata: onData,
    onclose,
    onerror,
    ondecoded,
    decoder: textDecoder,
    intercept,
    sockets: new SingleEntryMap(socket.id, socket),
    nsps: new SingleEntryMap(socket.nsp.name, socket),
  });
  engine.attach(client);
  Object.assign(engine, { request: NO_HANDSHAKE });
  Object.assign(socket, { handshake: NO_HANDSHAKE, ...UNUSED });
}

/** The official `ondata` with one decoder for all clients, except where attachments follow. */
function onData(this: OfficialClient, data: unknown): void {
  if (this.decoder === textDecoder && typeof data === "string" && WITH_ATTACHMENTS.test(data)) {
    this.decoder = new Decoder();
    this.decoder.on("decoded", (packet) => this.ondecoded(packet));
  }
  decoding = this;
  Object.getPrototypeOf(this).ondata.call(this, data);
}

/** A map with at most one entry, for the one namespace. */
class SingleEntryMap<V> {
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
