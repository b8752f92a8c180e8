/**
 * Sends with an access token, and once more with a new one where the first is refused. A second
 * refusal means that something else is wrong, and pauses the client.
 */

import type { Outcome } from "../../core/outcome.ts";
import type { TokenCache } from "../http/mod.ts";

/** The access token was refused: worth one resend with a new one. */
export interface StaleTokenAnswer {
  readonly kind: "stale";
  readonly reason: string;
}

/** What came of at most two calls of `attempt`, each with the token of its time. */
export async function withAccessToken(
  tokens: TokenCache<Outcome>,
  attempt: (accessToken: string) => Promise<Outcome | StaleTokenAnswer>,
): Promise<Outcome> {
  const first = await tokens.get();
  if (first.kind === "failed") return first.failure;
  const outcome = await attempt(first.value);
  if (outcome.kind !== "stale") return outcome;
  tokens.invalidate(first.value);
  const second = await tokens.get();
  if (second.kind === "failed") return second.failure;
  const again = await attempt(second.value);
  if (again.kind !== "stale") return again;
  return { kind: "misconfigured", reason: `${again.reason}: a new access token is refused too` };
}
