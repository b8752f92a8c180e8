/** Where somebody goes after the sign-in: back to a page of this console, and nowhere else. */

const MAX_LENGTH = 1_500;
/** Only what comes after the host counts; it is never resolved. */
const BASE = "http://console.invalid";

/** Returns the path and query of a page of this console; its first page for anything else. */
export function returnPath(wanted: string | undefined): string {
  if (wanted === undefined || wanted.length > MAX_LENGTH) return "/console";
  const url = URL.parse(wanted, BASE);
  const isPage = url?.origin === BASE &&
    /^\/console(?:$|\/(?!oidc\/|sign-|static\/|live))/.test(url.pathname);
  return isPage ? url.pathname + url.search : "/console";
}
