/**
 * The port through which transports call a provider: `POST`s over connections that the sender
 * manages. Two implementations: `fetch_sender.ts` for any host, `../http2/http2_sender.ts` for
 * hosts that speak HTTP/2.
 */

import type { HttpResult } from "./http_result.ts";

/** One request; always a `POST`. */
export interface HttpRequest {
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string>>;
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

/** Connections to a provider with one credential. It neither retries nor interprets a status. */
export interface HttpSender extends AsyncDisposable {
  /** Sends a `POST`; resolves whatever happens, and never follows a redirect. */
  post(url: string, request: HttpRequest): Promise<HttpResult>;
  /** Opens new connections for further requests. The old ones close after their last request. */
  renew(): void;
  /** Takes no more requests, and resolves when those in flight have ended. */
  [Symbol.asyncDispose](): Promise<void>;
}
