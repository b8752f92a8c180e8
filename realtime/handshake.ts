/**
 * The credentials of a handshake, and the answers to handshakes that are refused. Whether a
 * credential is valid is decided by an {@link AuthenticateHandshake} function.
 */

import type { ClientHeaders } from "../core/client_headers.ts";
import { type ErrorCode, ERRORS } from "../core/errors.ts";
import type { UserName } from "../core/events.ts";

/** A credential as the client sent it. */
export interface Handshake {
  /** Session token: from the `session` parameter, a bearer header or Socket.IO's `auth`. */
  readonly credential: string;
  /** Whether it was in the address, which proxies write to their logs. */
  readonly isInQuery: boolean;
  /** The client that the request path belongs to. */
  readonly client: string;
  readonly remoteAddress: string;
  /** What the request says of its browser, for sessions that are checked elsewhere. */
  readonly headers: ClientHeaders;
}

/** The owner of a session. */
export interface SocketIdentity extends UserName {
  readonly sessionId: string;
  /** Epoch milliseconds at which the session expires; absent: never. */
  readonly expiresAt?: number;
}

/** Why a handshake is refused. The client sees `message`. */
export interface HandshakeRefusal {
  readonly code: ErrorCode;
  readonly message: string;
  readonly retryAfterSeconds?: number;
}

const TRANSIENT: ReadonlySet<ErrorCode> = new Set([
  "store_unavailable",
  "middleware_unavailable",
  "draining",
  "internal",
]);

/** Whether a refusal may be over in a moment: the client should reconnect instead of seeing an error. */
export function isTransient({ code }: HandshakeRefusal): boolean {
  return TRANSIENT.has(code);
}

/** Whether a client may open a socket. */
export type Admission =
  | { readonly identity: SocketIdentity; readonly refusal?: never }
  | { readonly refusal: HandshakeRefusal; readonly identity?: never };

/** Checks a credential. What it throws counts as a fault of the server. */
export type AuthenticateHandshake = (handshake: Handshake) => Promise<Admission>;

/** The refusal of a handshake that came without a credential. */
export const MISSING_CREDENTIAL: HandshakeRefusal = {
  code: "unauthenticated",
  message: "A session is needed: as parameter 'session', bearer or 'auth.session'",
};

/** Longer credentials count as absent; longer connection ids are cut. */
const MAX_CREDENTIAL_LENGTH = 8192;
const MAX_CONNECTION_ID_LENGTH = 255;

/** Returns the credential in the address or the headers of a handshake. */
export function credentialOfRequest(
  request: Request,
  url: URL,
): Pick<Handshake, "credential" | "isInQuery"> | undefined {
  const inQuery = usable(url.searchParams.get("session"));
  if (inQuery !== undefined) return { credential: inQuery, isInQuery: true };
  const bearer = /^Bearer +(\S+)$/i.exec(request.headers.get("authorization") ?? "")?.[1];
  const credential = usable(bearer);
  return credential === undefined ? undefined : { credential, isInQuery: false };
}

/** Returns the credential in the `auth` of a Socket.IO CONNECT packet. */
export function credentialOfAuth(auth: Readonly<Record<string, unknown>>): string | undefined {
  return usable(auth.session) ?? usable(auth.token);
}

/** Returns the name that a client gives its connection, or `undefined`. */
export function connectionIdOf(url: URL): string | undefined {
  return url.searchParams.get("connection")?.slice(0, MAX_CONNECTION_ID_LENGTH) || undefined;
}

/**
 * Refuses a handshake over HTTP.
 *
 * @param options.hasOriginalStatus whether an invalid session gets the original's 403 instead of 401
 */
export function refusalResponse(
  refusal: HandshakeRefusal,
  { hasOriginalStatus = true }: { readonly hasOriginalStatus?: boolean } = {},
): Response {
  const { status, title } = ERRORS[refusal.code];
  const httpStatus = status === 401 && hasOriginalStatus ? 403 : status;
  const headers = new Headers({ "content-type": "application/problem+json" });
  if (refusal.retryAfterSeconds !== undefined) {
    headers.set("retry-after", String(refusal.retryAfterSeconds));
  }
  const problem = {
    type: "about:blank",
    title,
    status: httpStatus,
    code: refusal.code,
    detail: refusal.message,
  };
  return new Response(JSON.stringify(problem), { status: httpStatus, headers });
}

/** Refuses a socket in Socket.IO's middleware; clients see the error in `connect_error`. */
export function refusalError(refusal: HandshakeRefusal): Error {
  return Object.assign(new Error(refusal.message), {
    data: { code: refusal.code, message: refusal.message },
  });
}

function usable(value: unknown): string | undefined {
  const isUsable = typeof value === "string" && value !== "" &&
    value.length <= MAX_CREDENTIAL_LENGTH;
  return isUsable ? value : undefined;
}
