/**
 * Notices requests of Engine.IO sessions that this process does not have. A few come after every
 * restart and from clients that were away for too long. Many that do not end are the sign of a
 * balancer that spreads the requests of one session over several nodes. Their answer is the
 * engine's business.
 */

import type { Clock } from "../core/clock.ts";
import type { Log } from "../core/log.ts";

/** Settings of {@link UnknownSessions}. */
export interface UnknownSessionsOptions {
  readonly clock: Pick<Clock, "monotonic">;
  readonly log: Log;
  /** Whether there may be other nodes that the session belongs to. */
  readonly hasOtherNodes: boolean;
  /** Called for each request. */
  readonly onSeen: () => void;
}

const PAUSE_MS = 60_000;

/** For who looks at the answer; stock clients and their users never see it. */
const HINT = "The session may belong to another node: all its requests must reach the same one, " +
  "see docs/deploy.md, The balancer";

/** Logs and counts requests of unknown sessions. */
export class UnknownSessions {
  readonly #options: UnknownSessionsOptions;
  /** Requests since the last line. */
  #requests = 0;
  #loggedAt = -Infinity;

  constructor(options: UnknownSessionsOptions) {
    this.#options = options;
  }

  /** Notes a request; returns a hint for its answer where there are other nodes. */
  note(): string | undefined {
    const { clock, hasOtherNodes, onSeen } = this.#options;
    onSeen();
    this.#requests++;
    if (clock.monotonic() - this.#loggedAt >= PAUSE_MS) this.#tell();
    return hasOtherNodes ? HINT : undefined;
  }

  #tell(): void {
    const { clock, log, hasOtherNodes } = this.#options;
    const fields = { requests: this.#requests, see: "docs/deploy.md, The balancer" };
    if (hasOtherNodes) {
      log.warn(
        "requests of one session may reach several nodes: session ids are unknown here. " +
          "Just after a restart this is normal; if it goes on, make the balancer sticky",
        fields,
      );
    } else {
      log.info(
        "session ids are unknown here. Just after a restart this is normal; if it goes on, " +
          "requests of one session may reach several processes: make the balancer sticky",
        fields,
      );
    }
    this.#requests = 0;
    this.#loggedAt = clock.monotonic();
  }
}
