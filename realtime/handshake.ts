/**
 * What a client says about itself when it opens a socket, and what is answered where it is not
 * let in. Who it is and whether it may is for others to say: see {@link AuthenticateHandshake}.
 */

import type { ClientHeaders } from "../core/client_headers.ts";
import { type ErrorCode, ERRORS } from "../core/errors.ts";

/** A credential as it came, and from where. */
export interface Handshake {
  /** Session token: from the `session` parameter, a bearer header or Socket.IO's `auth`. */
  readonly credential: string;
  /** Whether it stood in the address, which proxies write to their logs. */
  readonly isInQuery: boolean;
  /** The client that the path stands for. */
  readonly client: string;
  readonly remoteAddress: string;
  /** What the request says of its browser, for sessions that are checked elsewhere. */
  readonly headers: ClientHeaders;
}

/** Whose session it is. */
export interface SocketIdentity {
  readonly context: string;
  readonly user: string;
  readonly sessionId: string;
  /** Epoch milliseconds at which the session ends by itself; absent: never. */
  readonly expiresAt?: number;
}

/** Why a client is not let in; `message` is shown to it. */
export interface HandshakeRefusal {
  readonly code: ErrorCode;
  readonly message: string;
  readonly retryAfterSeconds?: number;
}

/** Whether somebody may open a socket. */
export type Admission =
  | { readonly identity: SocketIdentity; readonly refusal?: never }
  | { readonly refusal: HandshakeRefusal; readonly identity?: never };

/** Checks a credential. Whatever it throws counts as a fault of this side. */
export type AuthenticateHandshake = (handshake: Handshake) => Promise<Admission>;

/** The refusal of a handshake that came without a credential. */
export const MISSING_CREDENTIAL: HandshakeRefusal = {
  code: "unauthenticated",
  message: "A session is needed: as parameter 'session', bearer or 'auth.session'",
};

/** Longest credential and connection id that are looked at. */
const MAX_CREDENTIAL_LENGTH = 8192;
const MAX_CONNECTION_ID_LENGTH = 255;

/** The credential in the address or the headers of a handshake. */
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

/** The credential in the `auth` of a Socket.IO CONNECT packet. */
export function credentialOfAuth(auth: Readonly<Record<string, unknown>>): string | undefined {
  return usable(auth.session) ?? usable(auth.token);
}

/** What a client calls its connection; `undefined` where it does not say. */
export function connectionIdOf(url: URL): string | undefined {
  return url.searchParams.get("connection")?.slice(0, MAX_CONNECTION_ID_LENGTH) || undefined;
}

/** A refusal over HTTP. A bad session gets the original's 403. */
export function refusalResponse(refusal: HandshakeRefusal): Response {
  const { status, title } = ERRORS[refusal.code];
  const answered = status === 401 ? 403 : status;
  const headers = new Headers({ "content-type": "application/problem+json" });
  if (refusal.retryAfterSeconds !== undefined) {
    headers.set("retry-after", String(refusal.retryAfterSeconds));
  }
  const problem = {
    type: "about:blank",
    title,
    status: answered,
    code: refusal.code,
    detail: refusal.message,
  };
  return new Response(JSON.stringify(problem), { status: answered, headers });
}

/** A refusal as Socket.IO's middleware wants it: clients see it in `connect_error`. */
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
