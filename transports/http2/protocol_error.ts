/** A far side that breaks the rules of HTTP/2 in a way that ends the connection (RFC 9113 §5.4.1). */
export class ProtocolError extends Error {
  override readonly name = "ProtocolError";
  /** The code that the GOAWAY frame says. */
  readonly errorCode: number;

  constructor(errorCode: number, message: string) {
    super(message);
    this.errorCode = errorCode;
  }
}
