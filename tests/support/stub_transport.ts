/** A transport whose outcomes follow the token, e.g. `500 twice`, `gone` or `hang`. */

import type { Message } from "../../core/message.ts";
import type { Outcome } from "../../core/outcome.ts";
import type { Target, TransportName } from "../../core/subscription.ts";
import type { Transport } from "../../core/transport.ts";

/** One attempt that was sent. */
interface Arrival {
  readonly token: string;
  readonly id: string;
  readonly message: Message;
  readonly outcome: Outcome["kind"];
}

/** A transport that records its sends and returns the outcome that the token names. */
export class StubTransport implements Transport {
  readonly traits = { maxPayloadBytes: 4096, maxConcurrent: 10 };
  readonly arrivals: Arrival[] = [];
  /** Clients whose options are faulty. */
  faulty: readonly string[] = [];
  /** Set to make every attempt come to this. */
  down: Outcome | undefined;
  readonly #failed = new Map<string, number>();

  constructor(readonly name: TransportName, readonly clients: readonly string[] = ["app"]) {}

  serves(client: string): boolean {
    return this.clients.includes(client) && !this.faulty.includes(client);
  }

  parseAddress(_client: string, raw: unknown): string {
    return String(raw);
  }

  async send({ token, client }: Target, message: Message, signal: AbortSignal): Promise<Outcome> {
    if (!this.serves(client)) return { kind: "misconfigured", reason: "its options are faulty" };
    const outcome = this.down ?? await this.#answer(token, message.id, signal);
    this.arrivals.push({ token, id: message.id, message, outcome: outcome.kind });
    return outcome;
  }

  status() {
    return this.clients.map((client) => ({ client, ready: this.serves(client) }));
  }

  [Symbol.asyncDispose](): Promise<void> {
    return Promise.resolve();
  }

  #answer(token: string, id: string, signal: AbortSignal): Outcome | Promise<Outcome> {
    if (token.startsWith("gone")) return { kind: "gone", reason: "410" };
    if (token.startsWith("rejected")) return { kind: "rejected", reason: "413" };
    if (token.startsWith("wrong")) return { kind: "misconfigured", reason: "403" };
    if (token.startsWith("moved")) return { kind: "sent", newToken: "new home" };
    if (token.startsWith("hang")) {
      return new Promise((resolve) =>
        signal.addEventListener("abort", () => resolve({ kind: "retry", reason: "timeout" }))
      );
    }
    const times = Number(/^500 x(\d+)/.exec(token)?.[1] ?? 0);
    const failed = this.#failed.get(`${token} ${id}`) ?? 0;
    if (failed >= times) return { kind: "sent", providerId: `p-${id}` };
    this.#failed.set(`${token} ${id}`, failed + 1);
    return { kind: "retry", reason: "500", scope: "address" };
  }
}
