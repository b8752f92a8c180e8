/**
 * The way of a socket into the namespace, and where it goes on: its session is checked, its former
 * self is closed, it takes its seat at the hub, and what it missed is read. All of that comes
 * before it hears that it is in, because by then it must be known whether something is missing.
 */

import type { Socket } from "socket.io";
import type { EventHub, Missed } from "../core/events.ts";
import { entering } from "./_catch_ups.ts";
import { Connection, type Connections } from "./_connections.ts";
import type { Door, Known, Refused } from "./_door.ts";
import type { EngineSocket } from "./_engine_socket.ts";
import { type Claim, claimOf, pidFor, startOf } from "./_resume.ts";

/** What an entry is made of. */
export interface EntryOptions {
  readonly door: Door;
  readonly hub: Pick<EventHub, "join" | "missed">;
  readonly connections: Connections;
  /** Closes a socket whose place another one takes. */
  readonly replace: (former: Connection) => void;
}

/** A socket that may come in. */
export interface Entered {
  readonly connection: Connection;
  /** What its client is given to come back with; older ones have no use for it. */
  readonly pid: string | undefined;
  /** It has been here before, and nothing that it missed is lost. */
  readonly recovered: boolean;
  readonly refusal?: never;
}

const NOTHING_MISSED: Missed = { events: [], complete: true };

/**
 * Makes the function that lets a socket in, or not. A socket with a `Connection` as its data has a
 * place among the connections, refused or not.
 */
export function createEntry({ door, hub, connections, replace }: EntryOptions) {
  function sit(socket: Socket, known: Known, claim: Claim | undefined): Connection | Refused {
    const { identity, client, connectionId } = known;
    // One without a name of its own goes on under the first id that it had.
    const id = connectionId ?? claim?.id ?? socket.id;
    const isFormer = (other: Connection) => other.id === id;
    const crowded = door.crowdedFor(identity, isFormer);
    if (crowded) return { refusal: crowded };
    for (const each of connections.of(identity)) if (isFormer(each)) replace(each);
    const connection = new Connection({
      context: identity.context,
      user: identity.user,
      client,
      id,
      socketId: socket.id,
      sessionId: identity.sessionId,
      expiresAt: identity.expiresAt ?? Infinity,
      needsProof: connectionId !== undefined && claim === undefined,
      engine: socket.conn as unknown as EngineSocket,
    });
    connection.behind = entering();
    // Here before it has its seat at the hub, so that nothing that comes from then on is missed.
    connections.add(connection);
    socket.data = connection;
    return connection;
  }

  async function resume(connection: Connection, claim: Claim | undefined): Promise<Entered> {
    const answer = hub.join(connection);
    // At once where it can be: what is published meanwhile must find the socket where it is.
    const joined = answer instanceof Promise ? await answer : answer;
    const { last } = joined;
    const start = startOf(claim, joined);
    connection.begin(last, provenOf(start.at, last));
    const read = (after: number) => after === last ? NOTHING_MISSED : hub.missed(connection, after);
    const missed = await read(start.at);
    const at = missed.complete ? start.at : start.orAt;
    const left = at === start.at ? missed : await read(at);
    const { events } = left;
    const complete = left.complete && !start.isTorn;
    const proven = provenOf(at, last);
    const { isReturn } = start;
    Object.assign(connection.behind!, { events, isReturn, isTorn: !complete });
    // Proven stays what it was: should the break not be heard of, it is told again.
    connection.begin(complete ? at : events[0]?.previous ?? last, proven);
    const pid = connection.engine.protocol === 3
      ? undefined
      : pidFor(claim?.id ?? connection.socketId, { claim, at, last, complete });
    return { connection, pid, recovered: isReturn && complete };
  }

  return async (socket: Socket): Promise<Entered | Refused> => {
    const known = await door.enter(socket);
    if (known.refusal) return known;
    const isOlder = (socket.conn as unknown as EngineSocket).protocol === 3;
    const claim = isOlder ? undefined : claimOf(socket.handshake.auth);
    const connection = sit(socket, known, claim);
    if ("refusal" in connection) return connection;
    try {
      return await resume(connection, claim);
    } catch (thrown) {
      return { refusal: door.shut(thrown) };
    }
  };
}

/** Whoever claims what is not there yet has been told by somebody else. */
function provenOf(at: number, last: number): number {
  return at > last ? 0 : at;
}
