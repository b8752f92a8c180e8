/**
 * Admits a socket to the namespace: checks its session, closes the former socket of the same
 * connection, joins the hub and reads what the client missed. The answer to the CONNECT packet
 * comes last, because it says whether something is missing.
 */

import type { Socket } from "socket.io";
import type { EventHub, MissedEvents } from "../core/events.ts";
import type { EngineSocket } from "./_engine_socket.ts";
import type { HandshakeGuard, IdentifiedSocket, RefusedHandshake } from "./_handshake_guard.ts";
import { newRecovery } from "./_recovery_state.ts";
import { pidFor, resumePointOf, type ResumeRequest, resumeRequestOf } from "./_resume.ts";
import { SocketConnection, type SocketConnections } from "./_socket_connections.ts";

interface SocketAdmissionOptions {
  readonly guard: HandshakeGuard;
  readonly hub: Pick<EventHub, "join" | "readMissed">;
  readonly connections: SocketConnections;
  /** Closes a socket whose connection id another socket takes over. */
  readonly replace: (former: SocketConnection) => void;
}

/** A socket whose CONNECT packet is answered with success. */
interface AdmittedSocket {
  /** The id that the client sends when it reconnects. Clients of revision 3 do not use it. */
  readonly pid: string | undefined;
  /** Whether the client reconnected and has missed nothing that is lost. */
  readonly recovered: boolean;
  readonly refusal?: never;
}

const NOTHING_MISSED: MissedEvents = { events: [], complete: true };

/**
 * Returns the function that admits or refuses a socket. It sets `socket.data` to the socket's
 * {@link SocketConnection} once that is in the index, where it stays even if the socket is refused.
 */
export function createSocketAdmission(
  { guard, hub, connections, replace }: SocketAdmissionOptions,
): (socket: Socket) => Promise<AdmittedSocket | RefusedHandshake> {
  function register(
    socket: Socket,
    { identity, client, connectionId }: IdentifiedSocket,
    request: ResumeRequest | undefined,
  ): SocketConnection | RefusedHandshake {
    // A client that does not name its connection keeps the first Socket.IO id that it had.
    const id = connectionId ?? request?.id ?? socket.id;
    const isFormer = (other: SocketConnection) => other.id === id;
    const refusal = guard.checkSocketLimit(identity, isFormer);
    if (refusal) return { refusal };
    for (const each of connections.of(identity)) if (isFormer(each)) replace(each);
    const connection = new SocketConnection({
      context: identity.context,
      user: identity.user,
      client,
      id,
      socketId: socket.id,
      sessionId: identity.sessionId,
      expiresAt: identity.expiresAt ?? Infinity,
      wantsAcknowledgement: connectionId !== undefined && request === undefined,
      engine: socket.conn as unknown as EngineSocket,
    });
    connection.recovery = newRecovery();
    // Before the hub's `join`, so that no event after it is missed.
    connections.add(connection);
    socket.data = connection;
    return connection;
  }

  async function join(
    connection: SocketConnection,
    request: ResumeRequest | undefined,
  ): Promise<AdmittedSocket> {
    const answer = hub.join(connection);
    // No `await` for a value: what is published meanwhile must find the socket at its offset.
    const joined = answer instanceof Promise ? await answer : answer;
    const { last } = joined;
    const resume = resumePointOf(request, joined);
    connection.startAt(last, checkedOffset(resume.offset, last));
    const read = (after: number) =>
      after === last ? NOTHING_MISSED : hub.readMissed(connection, after);
    const missed = await read(resume.offset);
    const offset = missed.complete ? resume.offset : resume.fallback;
    const { events, complete: isLogComplete } = offset === resume.offset
      ? missed
      : await read(offset);
    const complete = isLogComplete && !resume.needsResync;
    const { isReturn } = resume;
    Object.assign(connection.recovery!, { events, isReturn, needsResync: !complete });
    // The acknowledged offset stays: if `resync` does not reach the client, it is sent again.
    const cursor = complete ? offset : events[0]?.previous ?? last;
    connection.startAt(cursor, checkedOffset(offset, last));
    const pid = connection.engine.protocol === 3
      ? undefined
      : pidFor(request?.id ?? connection.socketId, { request, offset, last, complete });
    return { pid, recovered: isReturn && complete };
  }

  return async (socket) => {
    const identified = await guard.identify(socket);
    if (identified.refusal) return identified;
    const isOlder = (socket.conn as unknown as EngineSocket).protocol === 3;
    const request = isOlder ? undefined : resumeRequestOf(socket.handshake.auth);
    const connection = register(socket, identified, request);
    if ("refusal" in connection) return connection;
    try {
      return await join(connection, request);
    } catch (thrown) {
      return { refusal: guard.suspend(thrown) };
    }
  };
}

/** 0 for an offset beyond the log's end: another log issued it, and the client has nothing of this one. */
function checkedOffset(offset: number, last: number): number {
  return offset > last ? 0 : offset;
}
