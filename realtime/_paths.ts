/** Which client a path serves, and which paths are served here at all. */

import { pathCovered } from "../core/path_filter.ts";

/** One path that sockets are opened at. */
export interface ClientPath {
  /** E.g. `open-xchange-appsuite`. */
  readonly client: string;
  /** A filter as in `core/path_filter.ts`, e.g. `/socket.io/appsuite/*`. */
  readonly path: string;
}

/** The client of the first filter that covers a path. */
export function clientAt(paths: readonly ClientPath[], pathname: string): string | undefined {
  return paths.find((entry) => pathCovered(entry.path, pathname))?.client;
}

/**
 * Whether a path is for sockets: all below `/socket.io` are, whoever they serve, and those that a
 * filter names. `*` names none, or it would take the API's paths too.
 */
export function isSocketPath(paths: readonly ClientPath[], pathname: string): boolean {
  return pathCovered("/socket.io/*", pathname) ||
    paths.some(({ path }) => path !== "*" && pathCovered(path, pathname));
}
