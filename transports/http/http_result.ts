/**
 * What came of one HTTP request to a provider, as a value. A transport turns it into an outcome by
 * its own table; nothing here knows what a status means.
 */

/** Why a request got no answer. */
export type FetchFault =
  /** HTTP/2 REFUSED_STREAM: the far side did not look at it. */
  | "refused_stream"
  /** The far side said that it is going away, and may have said why. */
  | "goaway"
  /** The connection broke while the request was under way. */
  | "died"
  /** No connection came about: TCP, DNS. */
  | "connect"
  /** Either side refused the other's certificate. */
  | "certificate"
  /** The far side does not speak HTTP/2. */
  | "no_h2"
  /** The runtime's permissions or blocked ports forbid the address. */
  | "blocked"
  | "timeout"
  /** The caller's signal was aborted, or the pool was closed. */
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

/** No answer. */
export interface HttpFailure {
  readonly kind: "failed";
  /** `no`: it certainly was not processed, so sending it again cannot repeat it. */
  readonly sent: "no" | "unknown";
  readonly fault: FetchFault;
  /** Fit for logs and ledgers: never contains an address or a token. */
  readonly reason: string;
  /** The `reason` in the JSON that APNs puts into a GOAWAY frame. */
  readonly goawayReason?: string;
}

/** What came of one request. */
export type HttpResult = HttpReply | HttpFailure;
