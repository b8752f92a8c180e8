/** Maps request paths to clients. */

import { pathCovered } from "../core/path_filter.ts";

/** A path that a client opens its sockets at. */
export interface ClientPath {
  /** E.g. `open-xchange-appsuite`. */
  readonly client: string;
  /** A filter as in `core/path_filter.ts`, e.g. `/socket.io/appsuite/*`. */
  readonly path: string;
}

/** A stream of server-sent events, or a plain WebSocket. */
export type StreamKind = "stream" | "socket";

const STREAMS: Readonly<Record<string, StreamKind>> = {
  "/v1/stream": "stream",
  "/v1/socket": "socket",
};

/** Returns what a path opens that is not for Socket.IO. */
export function streamKindAt(pathname: string): StreamKind | undefined {
  return Object.hasOwn(STREAMS, pathname) ? STREAMS[pathname] : undefined;
}

/** Returns the client of the first filter that covers a path. */
export function clientAt(paths: readonly ClientPath[], pathname: string): string | undefined {
  return paths.find((entry) => pathCovered(entry.path, pathname))?.client;
}

/**
 * Whether a path is for sockets: streams, everything below `/socket.io`, and what a filter names. The filter
 * `*` counts for nothing here, because it would take the API's paths too.
 */
export function isSocketPath(paths: readonly ClientPath[], pathname: string): boolean {
  return streamKindAt(pathname) !== undefined || pathCovered("/socket.io/*", pathname) ||
    paths.some(({ path }) => path !== "*" && pathCovered(path, pathname));
}
