/** What a fake provider sees of a request and what it may do about it, free of any server. */

/** The connection that a request came over. Identity matters: fakes key their memory by it. */
export interface FakeConnection {
  /** The client's certificate in DER, where it sent one. */
  readonly certificate?: Uint8Array;
  /** Whether that certificate was signed by the simulator's own authority. */
  readonly certificateTrusted: boolean;
  /** Changes how many streams the client may have open; nothing happens on HTTP/1.1. */
  limitStreams(count: number): void;
}

/** One request, read to its end. */
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

/** What becomes of a request. */
export type ProviderAnswer =
  | {
    readonly kind: "reply";
    readonly status: number;
    readonly headers?: Readonly<Record<string, string>>;
    readonly body?: string;
    /** Milliseconds to wait before it is sent. */
    readonly latencyMs?: number;
  }
  /** No answer ever. */
  | { readonly kind: "hang" }
  /** The connection breaks. */
  | { readonly kind: "reset" }
  /** GOAWAY with this debug data on HTTP/2; the request is not answered. */
  | { readonly kind: "goaway"; readonly debugData: string };

/** A fake provider: one function. Synchronous where nothing needs waiting for. */
export type ProviderHandler = (
  request: ProviderRequest,
) => ProviderAnswer | Promise<ProviderAnswer>;

/** A JSON reply. */
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

/** The body as text; invalid UTF-8 becomes replacement characters. */
export function bodyText(request: ProviderRequest): string {
  return new TextDecoder().decode(request.body);
}

/** The fields of a form body. */
export function bodyForm(request: ProviderRequest): URLSearchParams {
  return new URLSearchParams(bodyText(request));
}

/** The body as JSON, or undefined where it is none. */
export function bodyJson(request: ProviderRequest): unknown {
  try {
    return JSON.parse(bodyText(request));
  } catch {
    return undefined;
  }
}
