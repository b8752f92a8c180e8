/**
 * Who may come in: asked once for each handshake over HTTP and once for each socket that wants
 * into the namespace. Keeps no socket itself; it looks at those that are open to count them. For a
 * moment after something that is needed could not be reached, nobody is let as far as to ask again.
 */

import type { Socket } from "socket.io";
import { clientHeadersOf } from "../core/client_headers.ts";
import type { Clock } from "../core/clock.ts";
import { messageOf, ServiceError } from "../core/errors.ts";
import type { Log } from "../core/log.ts";
import type { Backlog } from "./_backlog.ts";
import type { SocketConnection, SocketConnections } from "./_socket_connections.ts";
import type { EngineRequest } from "./_engine_request.ts";
import { clientAt } from "./_paths.ts";
import { Rate } from "./_rate.ts";
import {
  type Admission,
  type AuthenticateHandshake,
  connectionIdOf,
  credentialOfAuth,
  credentialOfRequest,
  type Handshake,
  type HandshakeRefusal,
  MISSING_CREDENTIAL,
  type SocketIdentity,
} from "./handshake.ts";
import type { RealtimeSettings } from "./settings.ts";

/** What a door is made of. */
export interface HandshakeGuardOptions {
  readonly settings: RealtimeSettings;
  readonly authenticate: AuthenticateHandshake;
  readonly clock: Clock;
  readonly log: Log;
  readonly connections: SocketConnections;
  readonly backlog: Backlog;
}

/** What a handshake leaves for the namespace to find. */
export interface HandshakeContext {
  readonly client: string;
  readonly connectionId: string | undefined;
  /** Absent where the client has yet to say who it is. */
  readonly identity: SocketIdentity | undefined;
  readonly refusal?: never;
}

/** A refusal, in the place of what was asked for. */
export interface RefusedHandshake {
  readonly refusal: HandshakeRefusal;
}

/** Somebody whose session has been checked. */
export interface IdentifiedSocket {
  readonly identity: SocketIdentity;
  readonly client: string;
  readonly connectionId: string | undefined;
  readonly refusal?: never;
}

/** How long the door stays shut where what is needed cannot be reached. */
const SHUT_MS = 1000;

const GOING: HandshakeRefusal = {
  code: "draining",
  message: "This node is going away",
  retryAfterSeconds: 1,
};

const UNREACHABLE: HandshakeRefusal = {
  code: "store_unavailable",
  message: "What is needed to let you in cannot be reached now",
  retryAfterSeconds: 2,
};

/** Decides about newcomers. */
export class HandshakeGuard {
  /** Set once this node is to take nobody any more. */
  isClosed = false;
  readonly #options: HandshakeGuardOptions;
  readonly #rate: Rate;
  #settings: RealtimeSettings;
  /** Monotonic milliseconds. */
  #shutUntil = -Infinity;

  constructor(options: HandshakeGuardOptions) {
    this.#options = options;
    this.#settings = options.settings;
    this.#rate = new Rate(options.clock, options.settings.handshakesPerSecond);
  }

  configure(settings: RealtimeSettings): void {
    this.#settings = settings;
    this.#rate.perSecond = settings.handshakesPerSecond;
  }

  /** A handshake over HTTP. */
  async checkHandshake(
    request: Request,
    info: Deno.ServeHandlerInfo,
  ): Promise<HandshakeContext | RefusedHandshake> {
    const url = new URL(request.url);
    const client = clientAt(this.#settings.paths, url.pathname);
    if (client === undefined) {
      return { refusal: { code: "not_found", message: "No client has this path" } };
    }
    const busy = this.#busy();
    if (busy) return { refusal: busy };
    const connectionId = connectionIdOf(url);
    const presented = credentialOfRequest(request, url);
    if (presented === undefined) {
      // EIO 3 clients are in the namespace at once and have no other way to say who they are.
      if (url.searchParams.get("EIO") === "3") return { refusal: MISSING_CREDENTIAL };
      return { client, connectionId, identity: undefined };
    }
    const remoteAddress = "hostname" in info.remoteAddr ? info.remoteAddr.hostname : "";
    const headers = clientHeadersOf((name) => request.headers.get(name), remoteAddress);
    const handshake = { ...presented, client, remoteAddress, headers };
    const { identity, refusal } = await this.#identify(handshake);
    if (refusal) return { refusal };
    if (url.searchParams.get("EIO") === "3") {
      const crowded = this.crowdedFor(identity, ({ id }) => id === connectionId);
      if (crowded) return { refusal: crowded };
    }
    return { client, connectionId, identity };
  }

  /** A socket that wants into the namespace: whose it is. */
  async identify(socket: Socket): Promise<IdentifiedSocket | RefusedHandshake> {
    if (this.isClosed) return { refusal: GOING };
    const request = socket.request as unknown as EngineRequest;
    const { client, connectionId, identity } = request.context as HandshakeContext;
    if (identity) return { client, connectionId, identity };
    const credential = credentialOfAuth(socket.handshake.auth);
    if (credential === undefined) return { refusal: MISSING_CREDENTIAL };
    const { remoteAddress } = request.connection;
    const headers = clientHeadersOf((name) => request.headers[name], remoteAddress);
    const handshake = { credential, isInQuery: false, client, remoteAddress, headers };
    const admission = await this.#identify(handshake);
    return admission.refusal ? admission : { client, connectionId, identity: admission.identity };
  }

  /** Whether a user has too many sockets for one more; those that it replaces do not count. */
  crowdedFor(
    { context, user }: SocketIdentity,
    isReplaced: (connection: SocketConnection) => boolean,
  ): HandshakeRefusal | undefined {
    const { maxSocketsPerUser } = this.#settings;
    const others = this.#options.connections.of({ context, user })
      .filter((each) => !isReplaced(each));
    if (others.length < maxSocketsPerUser) return undefined;
    return {
      code: "too_many_requests",
      message: `A user may have ${maxSocketsPerUser} open sockets`,
    };
  }

  /** Something that newcomers need cannot be reached: the refusal for this one. */
  pause(thrown: unknown): HandshakeRefusal {
    const { log, clock } = this.#options;
    if (!this.#isShut) log.error("sockets cannot be let in", { reason: messageOf(thrown) });
    this.#shutUntil = clock.monotonic() + SHUT_MS;
    return UNREACHABLE;
  }

  get #isShut(): boolean {
    return this.#options.clock.monotonic() < this.#shutUntil;
  }

  #busy(): HandshakeRefusal | undefined {
    if (this.isClosed) return GOING;
    if (this.#isShut) return UNREACHABLE;
    if (!this.#options.backlog.isFull && this.#rate.take()) return undefined;
    return { code: "too_many_requests", message: "Too many handshakes", retryAfterSeconds: 1 };
  }

  async #identify(handshake: Handshake): Promise<Admission> {
    try {
      return await this.#options.authenticate(handshake);
    } catch (error) {
      this.#options.log.error("Cannot check a session", { error: messageOf(error) });
      const code = error instanceof ServiceError ? error.code : "internal";
      const message = "The session cannot be checked now";
      return { refusal: { code, message, retryAfterSeconds: 2 } };
    }
  }
}
