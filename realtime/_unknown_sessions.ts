/**
 * Counts and logs requests with an Engine.IO session id that this process does not know. A few
 * follow every restart and come from clients that were away for too long. If they go on, a load
 * balancer spreads the requests of one session over several nodes. The engine answers them.
 */

import type { Clock } from "../core/clock.ts";
import type { Log } from "../core/log.ts";

interface UnknownSessionsOptions {
  readonly clock: Pick<Clock, "monotonic">;
  readonly log: Log;
  /** Whether the session may belong to another node. */
  readonly hasOtherNodes: boolean;
  /** Called for each such request. */
  readonly onSeen: () => void;
}

const PAUSE_MS = 60_000;

/** For a person who inspects the response; stock clients and their users never see it. */
const HINT = "The session may belong to another node: all its requests must reach the same one, " +
  "see docs/deploy.md, The balancer";

/** Logs and counts requests of unknown sessions. */
export class UnknownSessions {
  readonly #options: UnknownSessionsOptions;
  /** Requests since the last log entry. */
  #requests = 0;
  #loggedAt = -Infinity;

  constructor(options: UnknownSessionsOptions) {
    this.#options = options;
  }

  /** Counts a request; returns a hint for its answer where there are other nodes. */
  record(): string | undefined {
    const { clock, hasOtherNodes, onSeen } = this.#options;
    onSeen();
    this.#requests++;
    if (clock.monotonic() - this.#loggedAt >= PAUSE_MS) this.#write();
    return hasOtherNodes ? HINT : undefined;
  }

  #write(): void {
    const { clock, log, hasOtherNodes } = this.#options;
    const fields = { requests: this.#requests, see: "docs/deploy.md, The balancer" };
    const [level, places] = hasOtherNodes
      ? ["warn", "nodes"] as const
      : ["info", "processes"] as const;
    log[level](
      `unknown session ids: the requests of one session may reach several ${places}. ` +
        "This is normal just after a restart; if it goes on, make the load balancer sticky",
      fields,
    );
    this.#requests = 0;
    this.#loggedAt = clock.monotonic();
  }
}
