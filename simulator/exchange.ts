/**
 * The request that a fake provider receives and the answers that it can give, independent of any
 * server.
 */

/** The connection of a request. Fakes use it as a key for their state. */
export interface FakeConnection {
  /** The client's certificate in DER, if it sent one. */
  readonly certificate?: Uint8Array;
  /** Whether the simulator's own authority signed that certificate. */
  readonly certificateTrusted: boolean;
  /** Limits the streams that the client may open; has no effect on HTTP/1.1. */
  limitStreams(count: number): void;
}

/** One complete request. */
export interface ProviderRequest {
  readonly method: string;
  /** Path without the query. */
  readonly path: string;
  readonly query: URLSearchParams;
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string | undefined>>;
  /** Names, in lower case, that came more than once. */
  readonly repeated: readonly string[];
  /** Undefined where it is larger than any provider takes. */
  readonly body: Uint8Array<ArrayBuffer> | undefined;
  readonly connection: FakeConnection;
}

/** What the server does with a request. */
export type ProviderAnswer =
  | {
    readonly kind: "reply";
    readonly status: number;
    readonly headers?: Readonly<Record<string, string>>;
    readonly body?: string;
    /** Milliseconds to wait before it is sent. */
    readonly latencyMs?: number;
  }
  /** Never answers. */
  | { readonly kind: "hang" }
  /** Breaks the connection. */
  | { readonly kind: "reset" }
  /** Sends a GOAWAY with this debug data on HTTP/2; the request gets no answer. */
  | { readonly kind: "goaway"; readonly debugData: string };

/** A fake provider. Synchronous where it needs not wait. */
export type ProviderHandler = (
  request: ProviderRequest,
) => ProviderAnswer | Promise<ProviderAnswer>;

/** Creates a JSON reply. */
export function jsonReply(
  status: number,
  body: unknown,
  headers: Readonly<Record<string, string>> = {},
): ProviderAnswer {
  return {
    kind: "reply",
    status,
    headers: { "content-type": "application/json; charset=utf-8", ...headers },
    body: JSON.stringify(body),
  };
}

/** Returns the body as text; invalid UTF-8 becomes replacement characters. */
export function bodyText(request: ProviderRequest): string {
  return new TextDecoder().decode(request.body);
}

/** Returns the fields of a form body. */
export function bodyForm(request: ProviderRequest): URLSearchParams {
  return new URLSearchParams(bodyText(request));
}

/** Returns the body as JSON, or `undefined` where it is not JSON. */
export function bodyJson(request: ProviderRequest): unknown {
  try {
    return JSON.parse(bodyText(request));
  } catch {
    return undefined;
  }
}
