/**
 * Which client a path serves, with the original's path filters: `/x/*` covers `/x` and what is
 * below it but not `/xy`; anything else must be equal.
 */

/** One path that sockets are opened at. */
export interface ClientPath {
  /** E.g. `open-xchange-appsuite`. */
  readonly client: string;
  /** E.g. `/socket.io/appsuite/*`. */
  readonly path: string;
}

const FILTER = /^(?:\/[A-Za-z0-9_.-]+)+(?:\/\*)?$/;

/** Why a path filter is malformed, or `undefined` where it is not. */
export function pathFault(path: string): string | undefined {
  if (FILTER.test(path)) return undefined;
  return "a path begins with '/', has no empty part and may end in '/*'";
}

/** The client of the first filter that covers a path; a trailing slash makes no difference. */
export function clientAt(paths: readonly ClientPath[], pathname: string): string | undefined {
  const path = pathname.length > 1 && pathname.endsWith("/") ? pathname.slice(0, -1) : pathname;
  return paths.find((entry) => covers(entry.path, path))?.client;
}

function covers(filter: string, path: string): boolean {
  if (!filter.endsWith("/*")) return filter === path;
  const base = filter.slice(0, -2);
  return path === base || path.startsWith(`${base}/`);
}
