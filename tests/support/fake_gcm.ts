/**
 * A provider for tests of the whole service with the legacy GCM format, which needs neither TLS nor
 * keys. The simulator imitates providers more thoroughly.
 */

/** A message that arrived. */
interface Arrived {
  readonly token: string;
  // deno-lint-ignore no-explicit-any -- a test says what it expects by asserting it
  readonly body: any;
}

/** A GCM server that answers each token as the test configures it. */
export class FakeGcm implements AsyncDisposable {
  readonly arrived: Arrived[] = [];
  /** Token → the provider's error for it, e.g. `MessageTooBig`, or a status, e.g. 500. */
  readonly errors = new Map<string, string | number>();
  readonly #server: Deno.HttpServer<Deno.NetAddr>;

  constructor() {
    const options = { port: 0, hostname: "127.0.0.1", onListen: () => {} };
    this.#server = Deno.serve(options, (request) => this.#answer(request));
  }

  /** Configuration of a service whose client `app` is served here. */
  get configuration() {
    const address = `http://127.0.0.1:${this.#server.addr.port}/send`;
    return {
      properties: { "com.openexchange.pns.transport.gcm.enabled": true },
      files: { "pns-gcm-options.yml": `app:\n  key: a-key\n  address: ${address}\n` },
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#server.shutdown();
  }

  async #answer(request: Request): Promise<Response> {
    const body = await request.json();
    const token: string = body.to ?? body.registration_ids[0];
    this.arrived.push({ token, body });
    const error = this.errors.get(token);
    if (typeof error === "number") return new Response(null, { status: error });
    const result = error === undefined ? { message_id: `0:${this.arrived.length}` } : { error };
    return Response.json({ multicast_id: 1, success: 1, failure: 0, results: [result] });
  }
}
