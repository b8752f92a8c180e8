/**
 * The way of a socket into the namespace, and where it goes on: its session is checked, its former
 * self is closed, it takes its seat at the hub, and what it missed is read. All of that comes
 * before it hears that it is in, because by then it must be known whether something is missing.
 */

import type { Socket } from "socket.io";
import type { EventHub, MissedEvents } from "../core/events.ts";
import { newRecovery } from "./_recovery.ts";
import { SocketConnection, type SocketConnections } from "./_socket_connections.ts";
import type { HandshakeGuard, IdentifiedSocket, RefusedHandshake } from "./_handshake_guard.ts";
import type { EngineSocket } from "./_engine_socket.ts";
import { pidFor, resumePointOf, type ResumeRequest, resumeRequestOf } from "./_resume.ts";

/** What an entry is made of. */
export interface SocketAdmissionOptions {
  readonly guard: HandshakeGuard;
  readonly hub: Pick<EventHub, "join" | "readMissed">;
  readonly connections: SocketConnections;
  /** Closes a socket whose place another one takes. */
  readonly replace: (former: SocketConnection) => void;
}

/** A socket that may come in. */
export interface AdmittedSocket {
  readonly connection: SocketConnection;
  /** What its client is given to come back with; older ones have no use for it. */
  readonly pid: string | undefined;
  /** It has been here before, and nothing that it missed is lost. */
  readonly recovered: boolean;
  readonly refusal?: never;
}

const NOTHING_MISSED: MissedEvents = { events: [], complete: true };

/**
 * Makes the function that lets a socket in, or not. A socket with a `Connection` as its data has a
 * place among the connections, refused or not.
 */
export function createSocketAdmission(
  { guard, hub, connections, replace }: SocketAdmissionOptions,
) {
  function sit(
    socket: Socket,
    known: IdentifiedSocket,
    claim: ResumeRequest | undefined,
  ): SocketConnection | RefusedHandshake {
    const { identity, client, connectionId } = known;
    // One without a name of its own goes on under the first id that it had.
    const id = connectionId ?? claim?.id ?? socket.id;
    const isFormer = (other: SocketConnection) => other.id === id;
    const crowded = guard.crowdedFor(identity, isFormer);
    if (crowded) return { refusal: crowded };
    for (const each of connections.of(identity)) if (isFormer(each)) replace(each);
    const connection = new SocketConnection({
      context: identity.context,
      user: identity.user,
      client,
      id,
      socketId: socket.id,
      sessionId: identity.sessionId,
      expiresAt: identity.expiresAt ?? Infinity,
      wantsAcknowledgement: connectionId !== undefined && claim === undefined,
      engine: socket.conn as unknown as EngineSocket,
    });
    connection.recovery = newRecovery();
    // Here before it has its seat at the hub, so that nothing that comes from then on is missed.
    connections.add(connection);
    socket.data = connection;
    return connection;
  }

  async function resume(
    connection: SocketConnection,
    claim: ResumeRequest | undefined,
  ): Promise<AdmittedSocket> {
    const answer = hub.join(connection);
    // At once where it can be: what is published meanwhile must find the socket where it is.
    const joined = answer instanceof Promise ? await answer : answer;
    const { last } = joined;
    const start = resumePointOf(claim, joined);
    connection.begin(last, provenOf(start.at, last));
    const read = (after: number) =>
      after === last ? NOTHING_MISSED : hub.readMissed(connection, after);
    const missed = await read(start.at);
    const at = missed.complete ? start.at : start.orAt;
    const left = at === start.at ? missed : await read(at);
    const { events } = left;
    const complete = left.complete && !start.isTorn;
    const acknowledged = provenOf(at, last);
    const { isReturn } = start;
    Object.assign(connection.recovery!, { events, isReturn, isTorn: !complete });
    // Proven stays what it was: should the break not be heard of, it is told again.
    connection.begin(complete ? at : events[0]?.previous ?? last, acknowledged);
    const pid = connection.engine.protocol === 3
      ? undefined
      : pidFor(claim?.id ?? connection.socketId, { claim, at, last, complete });
    return { connection, pid, recovered: isReturn && complete };
  }

  return async (socket: Socket): Promise<AdmittedSocket | RefusedHandshake> => {
    const known = await guard.identify(socket);
    if (known.refusal) return known;
    const isOlder = (socket.conn as unknown as EngineSocket).protocol === 3;
    const claim = isOlder ? undefined : resumeRequestOf(socket.handshake.auth);
    const connection = sit(socket, known, claim);
    if ("refusal" in connection) return connection;
    try {
      return await resume(connection, claim);
    } catch (thrown) {
      return { refusal: guard.pause(thrown) };
    }
  };
}

/** Whoever claims what is not there yet has been told by somebody else. */
function provenOf(at: number, last: number): number {
  return at > last ? 0 : at;
}
