/** The lanes of the service, made as they are needed, one per transport and client. */

import type { TransportName } from "../core/subscription.ts";
import { Lane, type LaneOptions, type LaneSettings } from "./lane.ts";

/** A lane with what it is for. */
export interface NamedLane {
  readonly transport: TransportName;
  readonly client: string;
  readonly lane: Lane;
}

/** What lanes need. */
export interface LanesOptions extends Omit<LaneOptions, "settings"> {
  readonly settings: (transport: TransportName, client: string) => LaneSettings;
}

/** See the file's comment. Clients come from the configuration, so their number is bounded. */
export class Lanes {
  readonly #lanes = new Map<string, NamedLane>();
  readonly #options: LanesOptions;

  constructor(options: LanesOptions) {
    this.#options = options;
  }

  /** The lane of a client on a transport. */
  of(transport: TransportName, client: string): Lane {
    const name = laneName(transport, client);
    let named = this.#lanes.get(name);
    if (!named) {
      const settings = () => this.#options.settings(transport, client);
      const lane = new Lane({ ...this.#options, settings });
      named = { transport, client, lane };
      this.#lanes.set(name, named);
    }
    return named.lane;
  }

  /** Every lane so far. */
  all(): Iterable<NamedLane> {
    return this.#lanes.values();
  }

  /** Closes the breakers of a transport, e.g. after its credentials were changed. */
  reset(transport: TransportName): void {
    for (const named of this.#lanes.values()) {
      if (named.transport === transport) named.lane.reset();
    }
  }
}

/** One text that names a lane. */
export function laneName(transport: TransportName, client: string): string {
  return `${transport}/${client}`;
}
