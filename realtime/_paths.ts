/** Maps request paths to clients. */

import { pathCovered } from "../core/path_filter.ts";

/** A path that a client opens its sockets at. */
export interface ClientPath {
  /** E.g. `open-xchange-appsuite`. */
  readonly client: string;
  /** A filter as in `core/path_filter.ts`, e.g. `/socket.io/appsuite/*`. */
  readonly path: string;
}

/** Returns the client of the first filter that covers a path. */
export function clientAt(paths: readonly ClientPath[], pathname: string): string | undefined {
  return paths.find((entry) => pathCovered(entry.path, pathname))?.client;
}

/**
 * Whether a path is for sockets: everything below `/socket.io`, and what a filter names. The filter
 * `*` counts for nothing here, because it would take the API's paths too.
 */
export function isSocketPath(paths: readonly ClientPath[], pathname: string): boolean {
  return pathCovered("/socket.io/*", pathname) ||
    paths.some(({ path }) => path !== "*" && pathCovered(path, pathname));
}
