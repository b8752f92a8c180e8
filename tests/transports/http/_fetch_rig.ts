/** A `FetchSender` on a clock and a `fetch` that a test controls. */

import { FetchSender, type FetchSenderOptions } from "../../../transports/http/fetch_sender.ts";
import { FakeClock } from "../../support/fake_clock.ts";

/** A request that the pool makes. */
export interface Call {
  readonly client: FakeClient;
  readonly init: RequestInit;
  answer(response: Response): void;
  fail(error: Error): void;
}

/** Counts how often it was closed. */
export class FakeClient {
  closed = 0;
  close() {
    this.closed++;
  }
}

/** Never aborted. */
export const never = new AbortController().signal;

/** A pool whose requests a test answers one by one. */
export function rig(options: Partial<FetchSenderOptions> = {}) {
  const clock = new FakeClock();
  const calls: Call[] = [];
  const clients: FakeClient[] = [];
  const pool = new FetchSender({
    clients: 2,
    maxInFlightPerClient: 2,
    timeoutMs: 10_000,
    clock,
    warmUp: false,
    createClient() {
      const client = new FakeClient();
      clients.push(client);
      return client as unknown as Deno.HttpClient;
    },
    fetch: ((_url: string, init: RequestInit & { client: FakeClient }) => {
      const { promise, resolve, reject } = Promise.withResolvers<Response>();
      init.signal!.addEventListener("abort", () => reject(new DOMException("", "AbortError")));
      calls.push({ client: init.client, init, answer: resolve, fail: reject });
      return promise;
    }) as typeof fetch,
    ...options,
  });
  const post = (signal: AbortSignal = never) =>
    pool.post("https://p.example/", { headers: {}, body: "{}", signal });
  return { clock, calls, clients, pool, post };
}

/** An answer with an empty body. */
export function ok() {
  return new Response(null, { status: 200 });
}

/** What `fetch` throws. */
export function failedWith(text: string) {
  return new TypeError("fetch failed", { cause: new Error(text) });
}
