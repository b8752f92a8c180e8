/**
 * Path filters with the original's syntax: `/x/*` matches `/x` and every path below it but not `/xy`,
 * `*` matches everything, and any other filter matches the equal path only.
 */

const FILTER = /^(?:\/[A-Za-z0-9_.-]+)+(?:\/\*)?$/;

/** Returns why a filter other than `*` is malformed; undefined where it is valid. */
export function pathFilterFault(filter: string): string | undefined {
  if (FILTER.test(filter)) return undefined;
  return "a path begins with '/', has no empty part and may end in '/*'";
}

/** Whether a valid filter matches a path; a trailing slash is ignored. */
export function pathCovered(filter: string, pathname: string): boolean {
  if (filter === "*") return true;
  const path = pathname.length > 1 && pathname.endsWith("/") ? pathname.slice(0, -1) : pathname;
  if (!filter.endsWith("/*")) return filter === path;
  const base = filter.slice(0, -2);
  return path.startsWith(base) && (path.length === base.length || path[base.length] === "/");
}

/** Returns the path of a request's URL without parsing the rest. */
export function pathOf(url: string): string {
  const start = url.indexOf("/", url.indexOf("://") + 3);
  const end = url.indexOf("?", start);
  return start < 0 ? "/" : end < 0 ? url.slice(start) : url.slice(start, end);
}
