/** What the HTTP transports share: connections, tokens, size limits and host checks. */

export { FetchSender } from "./fetch_sender.ts";
export { createFetchEngine, type HttpEngine, type HttpSenderOptions } from "./http_engine.ts";
export type {
  AnswerHeaders,
  FetchFault,
  HeaderFields,
  HttpFailure,
  HttpReply,
  HttpRequest,
  HttpResult,
  HttpSender,
} from "./http_sender.ts";
export { retryAfterMs } from "./retry_after.ts";
export { createSharedMint, renewalTime } from "./shared_mint.ts";
export { type MintedToken, TokenCache, type TokenResult } from "./token_cache.ts";
export { byteLength, shortenText } from "./shorten_text.ts";
export {
  fitMessage,
  type MessageParts,
  type OnFit,
  previewMessage,
  TOO_LARGE,
} from "./fit_message.ts";
export { createHostCheck, type HostCheck } from "./host_allow_list.ts";
