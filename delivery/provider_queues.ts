/** The lanes of the service, made as they are needed, one per transport and client. */

import type { TransportName } from "../core/subscription.ts";
import {
  ProviderQueue,
  type ProviderQueueOptions,
  type ProviderQueueSettings,
} from "./provider_queue.ts";

/** A lane with what it is for. */
interface NamedProviderQueue {
  readonly transport: TransportName;
  readonly client: string;
  readonly queue: ProviderQueue;
}

/** What lanes need. */
interface ProviderQueuesOptions extends Omit<ProviderQueueOptions, "settings"> {
  readonly settings: (transport: TransportName, client: string) => ProviderQueueSettings;
}

/** See the file's comment. Clients come from the configuration, so their number is bounded. */
export class ProviderQueues {
  readonly #lanes = new Map<string, NamedProviderQueue>();
  readonly #options: ProviderQueuesOptions;

  constructor(options: ProviderQueuesOptions) {
    this.#options = options;
  }

  /** The lane of a client on a transport. */
  of(transport: TransportName, client: string): ProviderQueue {
    const name = providerQueueName(transport, client);
    let named = this.#lanes.get(name);
    if (!named) {
      const settings = () => this.#options.settings(transport, client);
      const queue = new ProviderQueue({ ...this.#options, settings });
      named = { transport, client, queue };
      this.#lanes.set(name, named);
    }
    return named.queue;
  }

  /** Every lane so far. */
  all(): Iterable<NamedProviderQueue> {
    return this.#lanes.values();
  }

  /** Closes the breakers of a transport, e.g. after its credentials were changed. */
  reset(transport: TransportName): void {
    for (const named of this.#lanes.values()) {
      if (named.transport === transport) named.queue.reset();
    }
  }
}

/** One text that names a lane. */
export function providerQueueName(transport: TransportName, client: string): string {
  return `${transport}/${client}`;
}
