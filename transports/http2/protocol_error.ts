/** Violations of HTTP/2 by the peer that end the connection (RFC 9113 §5.4.1). */

import { ERROR } from "./frames.ts";

/** Names the violated rule; `errorCode` goes into the GOAWAY frame. */
export class ProtocolError extends Error {
  override readonly name = "ProtocolError";
  readonly errorCode: number;

  constructor(errorCode: number, message: string) {
    super(message);
    this.errorCode = errorCode;
  }
}

/** A violation without an error code of its own. */
export function violation(message: string): ProtocolError {
  return new ProtocolError(ERROR.PROTOCOL_ERROR, message);
}

/** A frame whose length is invalid for its type. */
export function wrongSize(what: string): ProtocolError {
  return new ProtocolError(ERROR.FRAME_SIZE_ERROR, `${what} has a wrong size`);
}

/** A flow control window above 2^31-1. */
export function overflow(): ProtocolError {
  return new ProtocolError(ERROR.FLOW_CONTROL_ERROR, "a window is too large");
}

/** The peer uses too much memory or time. */
export function excessive(message: string): ProtocolError {
  return new ProtocolError(ERROR.ENHANCE_YOUR_CALM, message);
}
