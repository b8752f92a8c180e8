/**
 * Whether a refused credential is our fault or only this subscription's. A push service that took
 * our credential before will hardly refuse it for all the world now, and one user's odd
 * subscription must not stop the client's other users.
 */

import type { Outcome } from "../../core/outcome.ts";
import type { EndpointRoute } from "./endpoint_hosts.ts";

/** Refusals in a row after which even a push service that knew us is believed. */
const BELIEVED_AFTER = 10;
const WAIT_MS = 60_000;

/** How one client's credential stands with each push service. */
export class SubscriptionStanding {
  /** By lane: refusals since the last acceptance. Absent: never accepted. */
  readonly #refusals = new Map<string, number>();

  accepted({ queue, trust }: EndpointRoute): void {
    if (trust !== "public") this.#refusals.set(queue, 0);
  }

  /** What a refusal of the credential means for the message. */
  refused({ queue, trust }: EndpointRoute, reason: string): Outcome {
    // Anybody may run such a host, and would stop the whole client by one word.
    if (trust === "public") return { kind: "rejected", reason };
    const inARow = this.#refusals.get(queue);
    if (inARow === undefined || inARow + 1 >= BELIEVED_AFTER) {
      return { kind: "misconfigured", reason: `${reason}: the VAPID key or subject is refused` };
    }
    this.#refusals.set(queue, inARow + 1);
    return { kind: "retry", reason, afterMs: WAIT_MS };
  }
}
