/**
 * What the official Socket.IO keeps for each socket and this service has no use for: rooms, and
 * the handshake once it is over.
 */

import { EventEmitter } from "node:events";
import type { Namespace, Socket } from "socket.io";

const OVER = Object.freeze({ headers: {}, _query: {}, connection: {} });

/** An adapter without rooms: each user's sockets are found by the index of connections. */
export class NoRooms extends EventEmitter {
  readonly nsp: Namespace;

  constructor(nsp: Namespace) {
    super();
    this.nsp = nsp;
  }

  init(): void {}
  close(): void {}
  addAll(): void {}
  del(): void {}
  delAll(): void {}
  socketRooms(): undefined {}
}

/** Lets go of the handshake of a socket that has been let in. */
export function slim(socket: Socket, onDisconnect: (reason: string) => void): void {
  Object.assign(socket, { handshake: OVER });
  Object.assign(socket.conn, { request: OVER });
  socket.on("disconnect", onDisconnect);
}
