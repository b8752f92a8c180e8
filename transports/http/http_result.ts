/**
 * The result of one HTTP request to a provider, as a value. Each transport maps it to an outcome
 * with its own table; nothing here interprets a status.
 */

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
