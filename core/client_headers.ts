/**
 * The headers by which a service that issued a session recognizes its browser: the Open-Xchange
 * middleware compares cookies, user agent and address with those of the login.
 */

/** The headers of one browser. */
export interface ClientHeaders {
  readonly cookie?: string;
  readonly userAgent?: string;
  /** `X-Forwarded-For` as it came, or the peer's address where there was none. */
  readonly forwardedFor?: string;
}

/** Longer headers are left out, and the session is then refused for want of them. */
const MAX_LENGTH = 8192;

/**
 * Takes them from a request.
 *
 * @param header the value of a header, by its name in lower case
 * @param remoteAddress the peer, for requests that came without a proxy
 */
export function clientHeadersOf(
  header: (name: string) => string | null | undefined,
  remoteAddress?: string,
): ClientHeaders {
  const cookie = usable(header("cookie"));
  const userAgent = usable(header("user-agent"));
  const forwardedFor = usable(header("x-forwarded-for")) ?? usable(remoteAddress);
  return {
    ...cookie !== undefined && { cookie },
    ...userAgent !== undefined && { userAgent },
    ...forwardedFor !== undefined && { forwardedFor },
  };
}

function usable(value: string | null | undefined): string | undefined {
  return value === null || value === undefined || value === "" || value.length > MAX_LENGTH
    ? undefined
    : value;
}
