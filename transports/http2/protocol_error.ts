/** A far side that breaks the rules of HTTP/2 in a way that ends the connection (RFC 9113 §5.4.1). */

import { ERROR } from "./frames.ts";

/** Says which rule was broken; the GOAWAY frame says its code. */
export class ProtocolError extends Error {
  override readonly name = "ProtocolError";
  readonly errorCode: number;

  constructor(errorCode: number, message: string) {
    super(message);
    this.errorCode = errorCode;
  }
}

/** A rule that has no code of its own. */
export function broken(message: string): ProtocolError {
  return new ProtocolError(ERROR.PROTOCOL_ERROR, message);
}

/** A frame whose length its type does not allow. */
export function wrongSize(what: string): ProtocolError {
  return new ProtocolError(ERROR.FRAME_SIZE_ERROR, `${what} of a wrong size`);
}

/** A flow control window above 2^31-1. */
export function overflow(): ProtocolError {
  return new ProtocolError(ERROR.FLOW_CONTROL_ERROR, "a window is too large");
}

/** A far side that uses up this one's memory or time. */
export function excessive(message: string): ProtocolError {
  return new ProtocolError(ERROR.ENHANCE_YOUR_CALM, message);
}
