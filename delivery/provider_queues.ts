/** Creates the provider queues on demand, one per transport and client. */

import type { TransportName } from "../core/subscription.ts";
import {
  ProviderQueue,
  type ProviderQueueOptions,
  type ProviderQueueSettings,
} from "./provider_queue.ts";

/** A queue and what it is for. */
interface NamedProviderQueue {
  readonly transport: TransportName;
  readonly client: string;
  readonly queue: ProviderQueue;
}

interface ProviderQueuesOptions extends Omit<ProviderQueueOptions, "settings"> {
  /** Returns the function that a queue of the transport reads its settings with. */
  readonly settings: (transport: TransportName) => () => ProviderQueueSettings;
}

/** All provider queues. Clients come from the configuration, so their number is bounded. */
export class ProviderQueues {
  readonly #queues = new Map<TransportName, Map<string, NamedProviderQueue>>();
  readonly #options: ProviderQueuesOptions;

  constructor(options: ProviderQueuesOptions) {
    this.#options = options;
  }

  /** Returns the queue of a client on a transport, and creates it first where needed. */
  of(transport: TransportName, client: string): ProviderQueue {
    return (this.#queues.get(transport)?.get(client) ?? this.#create(transport, client)).queue;
  }

  /** Returns the queue of a client on a transport, where it was created. */
  peek(transport: TransportName, client: string): ProviderQueue | undefined {
    return this.#queues.get(transport)?.get(client)?.queue;
  }

  /** All queues created so far. */
  *all(): Iterable<NamedProviderQueue> {
    for (const ofTransport of this.#queues.values()) yield* ofTransport.values();
  }

  /** Closes the breakers of a transport, e.g. after new credentials. */
  reset(transport: TransportName): void {
    for (const { queue } of this.#queues.get(transport)?.values() ?? []) queue.reset();
  }

  #create(transport: TransportName, client: string): NamedProviderQueue {
    const settings = this.#options.settings(transport);
    const queue = new ProviderQueue({ ...this.#options, settings });
    const named = { transport, client, queue };
    this.#queues.getOrInsertComputed(transport, () => new Map()).set(client, named);
    return named;
  }
}
