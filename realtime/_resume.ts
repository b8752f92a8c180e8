/**
 * Decides where a client that reconnects continues. The server remembers nothing for it: its `pid`
 * holds the end of the log at its first connect, it sends the offset of the last event that it
 * received, and the hub knows up to which offset its connection has acknowledged. Pure.
 */

import { formatOffset, type JoinResult, parseOffset } from "../core/events.ts";

/** What a client sends when it reconnects. */
export interface ResumeRequest {
  /** Offset up to which the client says that it has received everything. */
  readonly offset: number;
  /** The connection id that it had without a name of its own, where it says so. */
  readonly id: string | undefined;
}

/** What `socket.io-client` sends when it reconnects. */
interface SocketResumeRequest extends ResumeRequest {
  readonly pid: string;
}

/** Where a client continues. */
interface ResumePoint {
  /** The client receives everything after this offset. */
  readonly offset: number;
  /** The offset to take where the log does not go back to `offset`; not below it. */
  readonly fallback: number;
  /** Whether the client was connected before. */
  readonly isReturn: boolean;
  /** Whether something may be missing even where the log is complete. */
  readonly needsResync: boolean;
}

/** A pid of this service: the end of the log, and the Socket.IO id at that time. */
const PID = /^(\d{16})\.([\w-]{20})$/;

/**
 * Reads what `socket.io-client` 4.6 and later sends in its CONNECT packet. Where another service
 * issued the pid, nothing is known of what the client received there.
 */
export function resumeRequestOf(
  auth: Readonly<Record<string, unknown>>,
): SocketResumeRequest | undefined {
  const { pid, offset } = auth;
  if (typeof pid !== "string") return undefined;
  const [, base, id] = PID.exec(pid) ?? [];
  return { pid, offset: parseOffset(offset) ?? parseOffset(base) ?? 0, id };
}

/**
 * Reads what a client of server-sent events or of a plain WebSocket sends when it reconnects: the
 * `Last-Event-ID` header of the browser's EventSource, or the parameter `offset`. A text that is no
 * offset says that the client was connected before, but not how far it got.
 */
export function streamResumeRequestOf(request: Request, url: URL): ResumeRequest | undefined {
  const text = request.headers.get("last-event-id") || url.searchParams.get("offset");
  return text ? { offset: parseOffset(text) ?? 0, id: undefined } : undefined;
}

/** Decides where a client continues, from what it sends and what the hub knows. */
export function resumePointOf(
  request: ResumeRequest | undefined,
  { last, acknowledged, wasConnected }: JoinResult,
): ResumePoint {
  if (!request) {
    const offset = acknowledged ?? last;
    const needsResync = wasConnected === true;
    const isReturn = needsResync || acknowledged !== undefined;
    return { offset, fallback: offset, isReturn, needsResync };
  }
  // The client's own word needs no acknowledgement. But it only knows of events that were meant
  // for it, so it may have received more than its last offset says.
  return {
    offset: request.offset,
    fallback: Math.max(request.offset, acknowledged ?? 0),
    isReturn: true,
    needsResync: false,
  };
}

/**
 * Returns the pid for a client whose Socket.IO id is or was `id`. `socket.io-client` considers
 * itself recovered where it gets the pid that it sent. Where something is missing it therefore gets
 * another one, which asks for the same events should the connection break before they are sent.
 */
export function pidFor(
  id: string,
  { request, offset, last, complete }: {
    readonly request: SocketResumeRequest | undefined;
    /** Where the client continues. */
    readonly offset: number;
    /** Where the log ends. */
    readonly last: number;
    readonly complete: boolean;
  },
): string {
  if (!request) return pidOf(last, id);
  if (complete) return PID.test(request.pid) ? request.pid : pidOf(last, id);
  const base = offset > last ? 0 : offset;
  const pid = pidOf(base, id);
  return pid === request.pid ? pidOf(base === 0 ? 1 : base - 1, id) : pid;
}

function pidOf(base: number, id: string): string {
  return `${formatOffset(base)}.${id}`;
}
