/** The constants of HTTP/2 (RFC 9113 §6, §7, §6.5.2) that a client needs. */

/** Frame types. */
export const FRAME = {
  DATA: 0,
  HEADERS: 1,
  PRIORITY: 2,
  RST_STREAM: 3,
  SETTINGS: 4,
  PUSH_PROMISE: 5,
  PING: 6,
  GOAWAY: 7,
  WINDOW_UPDATE: 8,
  CONTINUATION: 9,
} as const;

/** Frame flags. ACK, of SETTINGS and PING, is the same bit as END_STREAM. */
export const FLAG = { END_STREAM: 1, ACK: 1, END_HEADERS: 4, PADDED: 8, PRIORITY: 32 } as const;

/** Error codes of RST_STREAM and GOAWAY. */
export const ERROR = {
  NO_ERROR: 0,
  PROTOCOL_ERROR: 1,
  FLOW_CONTROL_ERROR: 3,
  FRAME_SIZE_ERROR: 6,
  REFUSED_STREAM: 7,
  CANCEL: 8,
  COMPRESSION_ERROR: 9,
  ENHANCE_YOUR_CALM: 11,
} as const;

/** Setting identifiers. */
export const SETTING = {
  HEADER_TABLE_SIZE: 1,
  ENABLE_PUSH: 2,
  MAX_CONCURRENT_STREAMS: 3,
  INITIAL_WINDOW_SIZE: 4,
  MAX_FRAME_SIZE: 5,
  MAX_HEADER_LIST_SIZE: 6,
} as const;

/** What a client sends first (RFC 9113 §3.4). */
export const PREFACE = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
/** Bytes of a frame before its payload. */
export const FRAME_HEADER_BYTES = 9;
/** The longest payload of a frame before any setting, in bytes. */
export const DEFAULT_FRAME_SIZE = 16_384;
/** Flow control window before any setting, in bytes. */
export const DEFAULT_WINDOW = 65_535;
/** The largest flow control window, in bytes. */
export const MAX_WINDOW = 2 ** 31 - 1;
/** The largest stream id. */
export const MAX_STREAM_ID = 2 ** 31 - 1;
