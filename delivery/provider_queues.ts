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
  readonly settings: (transport: TransportName, client: string) => ProviderQueueSettings;
}

/** All provider queues. Clients come from the configuration, so their number is bounded. */
export class ProviderQueues {
  readonly #queues = new Map<string, NamedProviderQueue>();
  readonly #options: ProviderQueuesOptions;

  constructor(options: ProviderQueuesOptions) {
    this.#options = options;
  }

  /** Returns the queue of a client on a transport, and creates it first where needed. */
  of(transport: TransportName, client: string): ProviderQueue {
    const name = providerQueueName(transport, client);
    let named = this.#queues.get(name);
    if (!named) {
      const settings = () => this.#options.settings(transport, client);
      const queue = new ProviderQueue({ ...this.#options, settings });
      named = { transport, client, queue };
      this.#queues.set(name, named);
    }
    return named.queue;
  }

  /** Returns the queue of a client on a transport, where it was created. */
  peek(transport: TransportName, client: string): ProviderQueue | undefined {
    return this.#queues.get(providerQueueName(transport, client))?.queue;
  }

  /** All queues created so far. */
  all(): Iterable<NamedProviderQueue> {
    return this.#queues.values();
  }

  /** Closes the breakers of a transport, e.g. after new credentials. */
  reset(transport: TransportName): void {
    for (const named of this.#queues.values()) {
      if (named.transport === transport) named.queue.reset();
    }
  }
}

/** The name of a queue in logs and in the invalidation guard. */
export function providerQueueName(transport: TransportName, client: string): string {
  return `${transport}/${client}`;
}
