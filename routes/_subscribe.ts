/** Stores a subscription after its transport has checked it, for every route that takes one. */

import type { Subscription, TransportName } from "../core/subscription.ts";
import type { Transport } from "../core/transport.ts";
import type { SubscribeRequest, SubscriptionRepository } from "../subscriptions/mod.ts";

/** What subscribing needs. */
export interface SubscribeDeps {
  readonly repository: SubscriptionRepository;
  readonly transports: ReadonlyMap<TransportName, Transport>;
}

/**
 * Subscribes with the address that `token` stands for.
 *
 * @throws {ServiceError} `invalid_token`, `subscription_denied`, and what
 * {@link SubscriptionRepository.subscribe} throws.
 */
export async function subscribe(
  { repository, transports }: SubscribeDeps,
  { token: raw, ...request }: Omit<SubscribeRequest, "token" | "shared"> & {
    readonly token: unknown;
  },
): Promise<{ readonly subscription: Subscription; readonly created: boolean }> {
  const transport = transports.get(request.transport)!;
  const wish = { ...request, token: transport.parseAddress(request.client, raw) };
  const { maxPerClient, ...terms } = await transport.admit?.(wish) ?? {};
  return await repository.subscribe({ ...wish, ...terms }, { maxPerClient });
}
