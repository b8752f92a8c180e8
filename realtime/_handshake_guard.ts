/**
 * Checks each handshake over HTTP and each socket that connects to the namespace: the rate of
 * handshakes, the session, and the number of sockets of the user. It keeps no socket. After a
 * backend failed it refuses all handshakes for a moment without asking the backend again.
 */

import type { Socket } from "socket.io";
import { clientHeadersOf } from "../core/client_headers.ts";
import { messageOf, ServiceError } from "../core/errors.ts";
import type { RateLimiter } from "../core/rate_limiter.ts";
import { createLocalLimiter } from "../core/token_bucket.ts";
import type { Backlog } from "./_backlog.ts";
import type { EngineRequest } from "./_engine_request.ts";
import { clientAt } from "./_paths.ts";
import type { SocketConnection, SocketConnections } from "./_socket_connections.ts";
import {
  type Admission,
  connectionIdOf,
  credentialOfAuth,
  credentialOfRequest,
  type Handshake,
  type HandshakeRefusal,
  MISSING_CREDENTIAL,
  type SocketIdentity,
} from "./handshake.ts";
import type { RealtimeOptions } from "./port.ts";
import type { RealtimeSettings } from "./settings.ts";

interface HandshakeGuardOptions
  extends Pick<RealtimeOptions, "settings" | "authenticate" | "clock" | "log"> {
  readonly connections: SocketConnections;
  readonly backlog: Backlog;
}

/** What a handshake over HTTP leaves on its request for the socket that connects later. */
interface HandshakeContext {
  readonly client: string;
  readonly connectionId: string | undefined;
  /** Absent where the client sends its session in the CONNECT packet. */
  readonly identity: SocketIdentity | undefined;
  readonly refusal?: never;
}

/** A handshake that is refused. */
export interface RefusedHandshake {
  readonly refusal: HandshakeRefusal;
}

/** A socket whose session has been checked. */
export interface IdentifiedSocket extends HandshakeContext {
  readonly identity: SocketIdentity;
}

/** How long handshakes are refused after a backend failed. */
const SUSPEND_MS = 1000;

const DRAINING: HandshakeRefusal = {
  code: "draining",
  message: "This node is going away",
  retryAfterSeconds: 1,
};

const UNAVAILABLE: HandshakeRefusal = {
  code: "store_unavailable",
  message: "A backend cannot be reached, try again later",
  retryAfterSeconds: 2,
};

/** Decides which handshakes and sockets are admitted. */
export class HandshakeGuard {
  /** Set once this node accepts no more sockets. */
  isClosed = false;
  readonly #options: HandshakeGuardOptions;
  readonly #limiter: RateLimiter;
  #settings: RealtimeSettings;
  /** Monotonic milliseconds. */
  #suspendedUntil = -Infinity;

  constructor(options: HandshakeGuardOptions) {
    this.#options = options;
    this.#settings = options.settings;
    this.#limiter = createLocalLimiter({ clock: options.clock, maxBuckets: 1 });
  }

  configure(settings: RealtimeSettings): void {
    this.#settings = settings;
  }

  /** Checks a handshake over HTTP. */
  async checkHandshake(
    request: Request,
    info: Deno.ServeHandlerInfo,
  ): Promise<HandshakeContext | RefusedHandshake> {
    const url = new URL(request.url);
    const client = clientAt(this.#settings.paths, url.pathname);
    if (client === undefined) {
      return { refusal: { code: "not_found", message: "No client has this path" } };
    }
    const overload = this.#checkLoad();
    if (overload) return { refusal: overload };
    const connectionId = connectionIdOf(url);
    const presented = credentialOfRequest(request, url);
    if (presented === undefined) {
      // Clients of revision 3 enter the namespace at once, so they cannot send a session later.
      if (url.searchParams.get("EIO") === "3") return { refusal: MISSING_CREDENTIAL };
      return { client, connectionId, identity: undefined };
    }
    const remoteAddress = "hostname" in info.remoteAddr ? info.remoteAddr.hostname : "";
    const headers = clientHeadersOf((name) => request.headers.get(name), remoteAddress);
    const handshake = { ...presented, client, remoteAddress, headers };
    const { identity, refusal } = await this.#authenticate(handshake);
    if (refusal) return { refusal };
    if (url.searchParams.get("EIO") === "3") {
      const overLimit = this.checkSocketLimit(identity, ({ id }) => id === connectionId);
      if (overLimit) return { refusal: overLimit };
    }
    return { client, connectionId, identity };
  }

  /** Checks a request for a stream or a plain WebSocket, which says at once who the client is. */
  async checkStream(
    request: Request,
    info: Deno.ServeHandlerInfo,
  ): Promise<IdentifiedSocket | RefusedHandshake> {
    const url = new URL(request.url);
    const overload = this.#checkLoad();
    if (overload) return { refusal: overload };
    const presented = credentialOfRequest(request, url);
    if (presented === undefined) return { refusal: MISSING_CREDENTIAL };
    const { client, refusal: unknown } = this.clientNamed(url.searchParams.get("client"));
    if (unknown) return { refusal: unknown };
    const remoteAddress = "hostname" in info.remoteAddr ? info.remoteAddr.hostname : "";
    const headers = clientHeadersOf((name) => request.headers.get(name), remoteAddress);
    const handshake = { ...presented, client, remoteAddress, headers };
    const { identity, refusal } = await this.#authenticate(handshake);
    if (refusal) return { refusal };
    return { client, connectionId: connectionIdOf(url), identity };
  }

  /** Checks the session of a socket that connects to the namespace. */
  async identify(socket: Socket): Promise<IdentifiedSocket | RefusedHandshake> {
    if (this.isClosed) return { refusal: DRAINING };
    const request = socket.request as unknown as EngineRequest;
    const { client, connectionId, identity } = request.context as HandshakeContext;
    if (identity) return { client, connectionId, identity };
    const credential = credentialOfAuth(socket.handshake.auth);
    if (credential === undefined) return { refusal: MISSING_CREDENTIAL };
    const { remoteAddress } = request.connection;
    const headers = clientHeadersOf((name) => request.headers[name], remoteAddress);
    const handshake = { credential, isInQuery: false, client, remoteAddress, headers };
    const admission = await this.#authenticate(handshake);
    return admission.refusal ? admission : { client, connectionId, identity: admission.identity };
  }

  /** Refuses a socket more than a user may have. Sockets that it replaces do not count. */
  checkSocketLimit(
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

  /** Refuses handshakes for a moment because a backend failed; returns the refusal for this one. */
  suspend(thrown: unknown): HandshakeRefusal {
    const { log, clock } = this.#options;
    if (!this.#isSuspended) log.error("cannot admit sockets", { reason: messageOf(thrown) });
    this.#suspendedUntil = clock.monotonic() + SUSPEND_MS;
    return UNAVAILABLE;
  }

  get #isSuspended(): boolean {
    return this.#options.clock.monotonic() < this.#suspendedUntil;
  }

  /** Returns the client of a name that a request gives, or the only one that has sockets. */
  clientNamed(
    named: string | null,
  ): { client: string; refusal?: never } | (RefusedHandshake & { client?: never }) {
    const clients = new Set(this.#settings.paths.map(({ client }) => client));
    const [only] = clients;
    const client = named ?? (clients.size === 1 ? only : undefined);
    if (client !== undefined && clients.has(client)) return { client };
    const message = named === null
      ? "Cannot tell which client this is: name it in the parameter 'client'"
      : "Cannot find this client: it has no sockets";
    return { refusal: { code: named === null ? "invalid_request" : "not_found", message } };
  }

  #checkLoad(): HandshakeRefusal | undefined {
    if (this.isClosed) return DRAINING;
    if (this.#isSuspended) return UNAVAILABLE;
    const request = { count: 1, perSecond: this.#settings.handshakesPerSecond };
    const hasRoom = !this.#options.backlog.isFull;
    if (hasRoom && this.#limiter.take("handshakes", request) === 0) return undefined;
    return { code: "too_many_requests", message: "Too many handshakes", retryAfterSeconds: 1 };
  }

  async #authenticate(handshake: Handshake): Promise<Admission> {
    try {
      return await this.#options.authenticate(handshake);
    } catch (error) {
      this.#options.log.error("cannot check a session", { error: messageOf(error) });
      const code = error instanceof ServiceError ? error.code : "internal";
      const message = "The session cannot be checked now";
      return { refusal: { code, message, retryAfterSeconds: 2 } };
    }
  }
}
