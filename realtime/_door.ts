/**
 * Who may come in: asked once for each handshake over HTTP and once for each socket that wants
 * into the namespace. Keeps no socket itself; it looks at those that are open to count them.
 */

import type { Socket } from "socket.io";
import type { Clock } from "../core/clock.ts";
import { messageOf, ServiceError } from "../core/errors.ts";
import type { Log } from "../core/log.ts";
import type { Backlog } from "./_backlog.ts";
import type { Connection, Connections } from "./_connections.ts";
import type { EngineRequest } from "./_engine_request.ts";
import type { EngineSocket } from "./_engine_socket.ts";
import { clientAt } from "./_paths.ts";
import { Rate } from "./_rate.ts";
import {
  type Admission,
  type Authenticate,
  connectionIdOf,
  credentialOfAuth,
  credentialOfRequest,
  type Handshake,
  type Identity,
  NO_CREDENTIAL,
  type Refusal,
} from "./handshake.ts";
import type { RealtimeSettings } from "./settings.ts";

/** What a door is made of. */
export interface DoorOptions {
  readonly settings: RealtimeSettings;
  readonly authenticate: Authenticate;
  readonly clock: Clock;
  readonly log: Log;
  readonly connections: Connections;
  readonly backlog: Backlog;
}

/** What a handshake leaves for the namespace to find. */
export interface Note {
  readonly client: string;
  readonly connectionId: string | undefined;
  /** Absent where the client has yet to say who it is. */
  readonly identity: Identity | undefined;
  readonly refusal?: never;
}

/** A refusal, in the place of what was asked for. */
export interface Refused {
  readonly refusal: Refusal;
}

/** Decides about newcomers. */
export class Door {
  /** Set once this node is to take nobody any more. */
  isClosed = false;
  readonly #options: DoorOptions;
  readonly #rate: Rate;
  #settings: RealtimeSettings;

  constructor(options: DoorOptions) {
    this.#options = options;
    this.#settings = options.settings;
    this.#rate = new Rate(options.clock, options.settings.handshakesPerSecond);
  }

  configure(settings: RealtimeSettings): void {
    this.#settings = settings;
    this.#rate.perSecond = settings.handshakesPerSecond;
  }

  /** A handshake over HTTP. */
  async knock(request: Request, info: Deno.ServeHandlerInfo): Promise<Note | Refused> {
    const url = new URL(request.url);
    const client = clientAt(this.#settings.paths, url.pathname);
    if (client === undefined) {
      return { refusal: { code: "not_found", message: "No client has this path" } };
    }
    const busy = this.#busy();
    if (busy) return { refusal: busy };
    const connectionId = connectionIdOf(url);
    const credential = credentialOfRequest(request, url);
    if (credential === undefined) {
      // EIO 3 clients are in the namespace at once and have no other way to say who they are.
      if (url.searchParams.get("EIO") === "3") return { refusal: NO_CREDENTIAL };
      return { client, connectionId, identity: undefined };
    }
    const remoteAddress = "hostname" in info.remoteAddr ? info.remoteAddr.hostname : "";
    const handshake = { credential, client, remoteAddress };
    const { identity, refusal } = await this.#identify(handshake, connectionId);
    return refusal ? { refusal } : { client, connectionId, identity };
  }

  /** A socket that wants into the namespace. */
  async enter(socket: Socket): Promise<Connection | Refused> {
    const request = socket.request as unknown as EngineRequest;
    const { client, connectionId, ...note } = request.note as Note;
    let { identity } = note;
    if (!identity) {
      const credential = credentialOfAuth(socket.handshake.auth);
      if (credential === undefined) return { refusal: NO_CREDENTIAL };
      const { remoteAddress } = request.connection;
      const handshake = { credential, client, remoteAddress };
      const admission = await this.#identify(handshake, connectionId);
      if (admission.refusal) return admission;
      identity = admission.identity;
    }
    return {
      context: identity.context,
      user: identity.user,
      client,
      id: connectionId ?? socket.id,
      socketId: socket.id,
      sessionId: identity.sessionId,
      expiresAt: identity.expiresAt ?? Infinity,
      engine: socket.conn as unknown as EngineSocket,
      next: undefined,
    };
  }

  #busy(): Refusal | undefined {
    if (this.isClosed) {
      return { code: "draining", message: "This node is going away", retryAfterSeconds: 1 };
    }
    if (!this.#options.backlog.isFull && this.#rate.take()) return undefined;
    return { code: "too_many_requests", message: "Too many handshakes", retryAfterSeconds: 1 };
  }

  async #identify(handshake: Handshake, connectionId: string | undefined): Promise<Admission> {
    try {
      const admission = await this.#options.authenticate(handshake);
      const refusal = admission.refusal ?? this.#crowded(admission.identity, connectionId);
      return refusal ? { refusal } : admission;
    } catch (error) {
      this.#options.log.error("Cannot check a session", { error: messageOf(error) });
      const code = error instanceof ServiceError ? error.code : "internal";
      return { refusal: { code, message: "The session cannot be checked now" } };
    }
  }

  #crowded({ context, user }: Identity, connectionId: string | undefined): Refusal | undefined {
    const { maxSocketsPerUser } = this.#settings;
    const { connections } = this.#options;
    if (connections.size(context, user) < maxSocketsPerUser) return undefined;
    // One that takes the place of another does not add to them.
    if (connectionId !== undefined && connections.find(context, user, connectionId)) {
      return undefined;
    }
    return {
      code: "too_many_requests",
      message: `A user may have ${maxSocketsPerUser} open sockets`,
    };
  }
}
