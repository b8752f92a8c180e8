/**
 * Path filters with the original's syntax: `/x/*` covers `/x` and what is below it but not `/xy`,
 * `*` alone covers everything, and anything else must be equal.
 */

const FILTER = /^(?:\/[A-Za-z0-9_.-]+)+(?:\/\*)?$/;

/** Why a filter other than `*` is malformed, or `undefined` where it is not. */
export function pathFilterFault(filter: string): string | undefined {
  if (FILTER.test(filter)) return undefined;
  return "a path begins with '/', has no empty part and may end in '/*'";
}

/** Whether a well-formed filter covers a path; a trailing slash makes no difference. */
export function pathCovered(filter: string, pathname: string): boolean {
  if (filter === "*") return true;
  const path = pathname.length > 1 && pathname.endsWith("/") ? pathname.slice(0, -1) : pathname;
  if (!filter.endsWith("/*")) return filter === path;
  const base = filter.slice(0, -2);
  return path === base || path.startsWith(`${base}/`);
}

/** The path of a request's address, without parsing the rest of it. */
export function pathOf(url: string): string {
  const start = url.indexOf("/", url.indexOf("://") + 3);
  const end = url.indexOf("?", start);
  return start < 0 ? "/" : end < 0 ? url.slice(start) : url.slice(start, end);
}
