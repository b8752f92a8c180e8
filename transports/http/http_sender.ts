/**
 * The port through which transports call a provider: `POST`s over connections that the sender
 * manages. Two implementations: `fetch_sender.ts` for any host, `../http2/http2_sender.ts` for
 * hosts that speak HTTP/2. A result is a value; each transport maps it to an outcome with its own
 * table, and nothing here interprets a status.
 */

/** Names in lower case, with their values. */
export type HeaderFields = Readonly<Record<string, string>>;

/** One request; always a `POST`. */
export interface HttpRequest {
  readonly headers: HeaderFields;
  /** What many requests have in common, the same object each time: engines may encode it once. */
  readonly commonHeaders?: HeaderFields;
  /** Text or bytes only, because a stream cannot be resent. */
  readonly body: string | Uint8Array<ArrayBuffer>;
  /**
   * Also ends the wait for a connection. Requests may share a signal, which is cheaper than one
   * each.
   */
  readonly signal: AbortSignal;
  /** Whether the body of a 2xx answer is dropped. @default {false} */
  readonly ignoreSuccessBody?: boolean;
}

/** Why a request got no answer. */
export type FetchFault =
  /** HTTP/2 REFUSED_STREAM: the provider did not process the request. */
  | "refused_stream"
  /** The provider is closing the connection, possibly with a reason. */
  | "goaway"
  /** The connection broke while the request was in flight. */
  | "died"
  /** The connection could not be opened: TCP, DNS. */
  | "connect"
  /** One side refused the other's certificate. */
  | "certificate"
  /** The server does not speak HTTP/2. */
  | "no_h2"
  /** The runtime's permissions or blocked ports forbid the address. */
  | "blocked"
  | "timeout"
  /** The caller aborted, or the sender was closed. */
  | "aborted";

/** The headers of an answer; names in lower case. */
export interface AnswerHeaders {
  get(name: string): string | null;
}

/** An answer of any status, with its body cut at 8 KiB. */
export interface HttpReply {
  readonly kind: "reply";
  readonly status: number;
  readonly headers: AnswerHeaders;
  readonly text: string;
}

/** A request without an answer. */
export interface HttpFailure {
  readonly kind: "failed";
  /** `no`: certainly not processed, so a resend cannot repeat it. */
  readonly sent: "no" | "unknown";
  readonly fault: FetchFault;
  /** Safe for logs and ledgers: contains no address and no token. */
  readonly reason: string;
  /** The `reason` in the JSON of APNs' GOAWAY frame. */
  readonly goawayReason?: string;
}

/** The result of one request. */
export type HttpResult = HttpReply | HttpFailure;

/** Connections to a provider with one credential. It neither retries nor interprets a status. */
export interface HttpSender extends AsyncDisposable {
  /** Sends a `POST`; resolves whatever happens, and never follows a redirect. */
  post(url: string, request: HttpRequest): Promise<HttpResult>;
  /** Opens new connections for further requests. The old ones close after their last request. */
  renew(): void;
  /** Takes no more requests, and resolves when those in flight have ended. */
  [Symbol.asyncDispose](): Promise<void>;
}
