/**
 * Admits a connection of any protocol: enters it into the index, closes the former connection of the
 * same name, joins the hub and reads what the client missed.
 */

import type { EventHub, MissedEvents } from "../core/events.ts";
import type { ConnectionPort } from "./_connection_port.ts";
import type { HandshakeGuard, IdentifiedSocket, RefusedHandshake } from "./_handshake_guard.ts";
import { newRecovery } from "./_recovery_state.ts";
import { resumePointOf, type ResumeRequest } from "./_resume.ts";
import { SocketConnection, type SocketConnections } from "./_socket_connections.ts";

/** Options of {@link createConnectionAdmission}. */
interface ConnectionAdmissionOptions {
  readonly guard: HandshakeGuard;
  readonly hub: Pick<EventHub, "join" | "readMissed">;
  readonly connections: SocketConnections;
  /** Closes a connection whose name another one takes over. */
  readonly replace: (former: SocketConnection) => void;
}

/** A connection that asks for admission. */
interface Applicant {
  readonly identified: IdentifiedSocket;
  /** Names the connection where its client does not. */
  readonly socketId: string;
  readonly port: ConnectionPort;
  /** Where the client says that it was. */
  readonly request: ResumeRequest | undefined;
  /** Whether heartbeats can tell what the client has received. */
  readonly canAcknowledge: boolean;
}

/** Where an admitted connection continues. */
export interface JoinedConnection {
  readonly offset: number;
  /** The end of the user's log. */
  readonly last: number;
  /** Whether everything that the client missed is in the log. */
  readonly complete: boolean;
  /** Whether the client was connected before. */
  readonly isReturn: boolean;
  readonly refusal?: never;
}

/** The two steps of an admission. */
export interface ConnectionAdmission {
  /** Enters a connection into the index, unless the user has too many. */
  register(applicant: Applicant): SocketConnection | RefusedHandshake;
  /** Joins the hub. A connection that is refused stays in the index. */
  join(
    connection: SocketConnection,
    request: ResumeRequest | undefined,
  ): Promise<JoinedConnection | RefusedHandshake>;
}

const NOTHING_MISSED: MissedEvents = { events: [], complete: true };

/** Returns the steps that admit a connection. */
export function createConnectionAdmission(
  { guard, hub, connections, replace }: ConnectionAdmissionOptions,
): ConnectionAdmission {
  async function join(
    connection: SocketConnection,
    request: ResumeRequest | undefined,
  ): Promise<JoinedConnection> {
    connection.received = request?.offset;
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
    // The acknowledged offset stays: if the client does not receive `resync`, it is sent again.
    const cursor = complete ? offset : events[0]?.previous ?? last;
    connection.startAt(cursor, checkedOffset(offset, last));
    return { offset, last, complete, isReturn };
  }

  return {
    register({ identified, socketId, port, request, canAcknowledge }) {
      const { identity, client, connectionId } = identified;
      // A client that does not name its connection keeps the first id that it had.
      const id = connectionId ?? request?.id ?? socketId;
      const isFormer = (other: SocketConnection) => other.id === id;
      const refusal = guard.checkSocketLimit(identity, isFormer);
      if (refusal) return { refusal };
      for (const each of connections.of(identity)) if (isFormer(each)) replace(each);
      const connection = new SocketConnection({
        context: identity.context,
        user: identity.user,
        client,
        id,
        socketId,
        sessionId: identity.sessionId,
        expiresAt: identity.expiresAt ?? Infinity,
        wantsAcknowledgement: canAcknowledge && connectionId !== undefined &&
          request === undefined,
        port,
      });
      connection.recovery = newRecovery();
      // Before the hub's `join`, so that no event after it is missed.
      connections.add(connection);
      return connection;
    },
    async join(connection, request) {
      try {
        return await join(connection, request);
      } catch (thrown) {
        return { refusal: guard.suspend(thrown) };
      }
    },
  };
}

/** 0 for an offset beyond the log's end: another log issued it, and the client has nothing of this one. */
function checkedOffset(offset: number, last: number): number {
  return offset > last ? 0 : offset;
}
