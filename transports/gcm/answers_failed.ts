/**
 * Maps failed requests to outcomes, for both of Google's formats. Google asks for ten seconds
 * before the first retry of a request that may have arrived.
 */

import type { Outcome } from "../../core/outcome.ts";
import type { HttpFailure } from "../http/mod.ts";

const FLOOR_MS = 10_000;

/** Returns the outcome of a failure. No failure says anything about the token. */
export function readGcmFailure({ fault, sent, reason }: HttpFailure): Outcome {
  switch (fault) {
    case "certificate":
    case "no_h2":
    case "blocked":
      // The address is the operator's, so only the operator can fix it.
      return { kind: "misconfigured", reason };
    case "refused_stream":
    case "aborted":
      return sent === "no"
        ? { kind: "retry", reason }
        : { kind: "retry", reason, afterMs: FLOOR_MS };
    case "connect":
    case "goaway":
    case "died":
    case "timeout":
      return { kind: "retry", reason, afterMs: FLOOR_MS };
  }
}
