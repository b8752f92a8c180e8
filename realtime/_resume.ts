/**
 * Where a client that comes back goes on. Nothing of it is remembered for it here: its `pid` says
 * where the log ended when it first came, the offset of the last event that it saw says how far it
 * got, and the hub knows up to where its connection has certainly got everything. Pure.
 */

import { formatOffset, type JoinResult, parseOffset } from "../core/events.ts";

/** What a client says when it comes back. */
export interface ResumeRequest {
  readonly pid: string;
  /** Up to here it has everything, it says. */
  readonly at: number;
  /** What its connection is called, where the pid is one of ours. */
  readonly id: string | undefined;
}

/** Where a client goes on. */
export interface ResumePoint {
  /** Everything after this offset is to be told. */
  readonly at: number;
  /** The same where the log does not go back to `at`; not before it. */
  readonly orAt: number;
  /** Whether it has been here before. */
  readonly isReturn: boolean;
  /** Whether something may be missing, whatever the log has. */
  readonly isTorn: boolean;
}

/** Ours: where the log ended, and the Socket.IO id that it had then. */
const PID = /^(\d{16})\.([\w-]{20})$/;

/**
 * What `socket.io-client` 4.6 and later sends in its CONNECT packet. A pid that is none of ours
 * has been had from another service: nothing is known of what the client got there.
 */
export function resumeRequestOf(
  auth: Readonly<Record<string, unknown>>,
): ResumeRequest | undefined {
  const { pid, offset } = auth;
  if (typeof pid !== "string") return undefined;
  const [, base, id] = PID.exec(pid) ?? [];
  return { pid, at: parseOffset(offset) ?? parseOffset(base) ?? 0, id };
}

/** Decides where a client goes on, from what it says and what the hub knows. */
export function resumePointOf(
  claim: ResumeRequest | undefined,
  { last, acknowledged, wasConnected }: JoinResult,
): ResumePoint {
  const from = acknowledged ?? last;
  if (!claim) {
    const isTorn = wasConnected === true;
    return { at: from, orAt: from, isReturn: isTorn || acknowledged !== undefined, isTorn };
  }
  // What it says itself needs no proof. But it only knows of events that were meant for it, and
  // may be further than the last one of those.
  return {
    at: claim.at,
    orAt: Math.max(claim.at, acknowledged ?? 0),
    isReturn: true,
    isTorn: false,
  };
}

/**
 * The pid to give a client whose Socket.IO id was or is `id`. `socket.io-client` takes itself for
 * recovered where it gets the one that it had, so it gets another one where something is missing:
 * one that says the same again should the connection break before it was told.
 */
export function pidFor(
  id: string,
  { claim, at, last, complete }: {
    readonly claim: ResumeRequest | undefined;
    /** Where it goes on. */
    readonly at: number;
    /** Where the log ends. */
    readonly last: number;
    readonly complete: boolean;
  },
): string {
  if (!claim) return pidOf(last, id);
  if (complete) return PID.test(claim.pid) ? claim.pid : pidOf(last, id);
  const torn = at > last ? 0 : at;
  const pid = pidOf(torn, id);
  return pid === claim.pid ? pidOf(torn === 0 ? 1 : torn - 1, id) : pid;
}

function pidOf(base: number, id: string): string {
  return `${formatOffset(base)}.${id}`;
}
