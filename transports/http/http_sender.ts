/**
 * The port through which transports call a provider: one `POST` at a time, over connections that
 * somebody else looks after. Two implementations: `fetch_sender.ts` for any host, and
 * `../http2/http2_sender.ts` for one that speaks HTTP/2.
 */

import type { HttpResult } from "./http_result.ts";

/** One request; always a `POST`. */
export interface HttpRequest {
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string>>;
  /** Texts and bytes only: those can be sent again, a stream cannot. */
  readonly body: string | Uint8Array<ArrayBuffer>;
  /**
   * Ends the wait for a connection as well as the request. Many requests may share one, which
   * costs less than one each.
   */
  readonly signal: AbortSignal;
  /**
   * Whether nobody reads the body of a 2xx answer.
   * @default {false}
   */
  readonly ignoreSuccessBody?: boolean;
}

/** Connections to a provider with one credential. Neither retries nor knows what a status means. */
export interface HttpSender extends AsyncDisposable {
  /** Sends a `POST`; resolves for whatever becomes of it, and never follows a redirect. */
  post(url: string, request: HttpRequest): Promise<HttpResult>;
  /**
   * Opens new connections for all further requests. Those under way end on the old ones, which are
   * closed after the last.
   */
  renew(): void;
  /** Takes no more requests, and resolves when those under way have ended. */
  [Symbol.asyncDispose](): Promise<void>;
}
