/** Works off durable retry jobs. The configuration and the subscriptions are asked again first. */

import type { Clock } from "../core/clock.ts";
import type { StoreEntry } from "../core/store.ts";
import type { TargetRecord, TargetState } from "../core/ledger.ts";
import type { Target, TransportName } from "../core/subscription.ts";
import type { RetryJob, Sender } from "./sender.ts";
import type { DeadLetter, DeadLetters } from "./dead_letters.ts";
import type { ConfigurationSnapshot } from "./dispatch.ts";
import type { JobResult } from "./job_claims.ts";
import type { Ledger } from "./ledger.ts";
import { plan } from "./plan.ts";

/** What working off retries needs. */
interface RetriesOptions {
  readonly sender: Sender;
  readonly ledger: Ledger;
  readonly configuration: () => ConfigurationSnapshot;
  readonly serves: (transport: TransportName, client: string) => boolean;
  /** The target as it is now, or `undefined` where the user no longer subscribes with it. */
  readonly refresh: (target: Target) => Promise<Target | undefined>;
  readonly clock: Clock;
}

/** The handler of the retry queue. */
export function createRetries(options: RetriesOptions) {
  const { sender, ledger, configuration, serves, refresh, clock } = options;

  /** Why there is no point in another attempt. */
  async function obstacle(job: RetryJob, target: Target | undefined) {
    const { expiresAt, context, user } = job.notification;
    if (expiresAt !== undefined && clock.now() >= expiresAt) {
      return { state: "expired", reason: "its time ran out" } as const;
    }
    if (!target) return { state: "gone", reason: "it was unsubscribed" } as const;
    const permissions = await configuration().view(context, user);
    const [step] = plan(job.notification, [target], { permissions, serves });
    // A client that has no options for the moment may have them again after the next reload.
    return step && !step.send && step.state !== "unserved" ? step : undefined;
  }

  return async (job: RetryJob): Promise<JobResult<RetryJob>> => {
    const target = await refresh(job.target);
    const stop = await obstacle(job, target);
    if (stop) {
      await ledger.retried(job.notification, ended(job, stop));
      return { done: true };
    }
    const { record, result } = await sender.retry({ ...job, target: target! });
    if (result.done) await ledger.retried(job.notification, record);
    return result;
  };

  function ended(
    { target: { client, transport, subscriptionId }, attempts }: RetryJob,
    { state, reason }: { readonly state: TargetState; readonly reason: string },
  ): TargetRecord {
    return {
      client,
      transport,
      ...(subscriptionId !== undefined && { subscription: subscriptionId }),
      state,
      reason,
      attempts,
      at: clock.now(),
    };
  }
}

/** Puts a letter back on its way; false where somebody else did so first. */
export type Replay = (letter: StoreEntry<DeadLetter>) => Promise<boolean>;

/** See the file's comment. A ttl that ran out meanwhile no longer counts. */
export function createReplay(
  { letters, ledger, clock, schedule }: {
    readonly letters: DeadLetters;
    readonly ledger: Ledger;
    readonly clock: Clock;
    readonly schedule: (
      jobs: readonly { readonly job: RetryJob; readonly atMs: number }[],
    ) => Promise<void>;
  },
): Replay {
  return async (letter) => {
    const { notification: { expiresAt: _, ...notification }, target } = letter.value;
    const now = clock.now();
    // Scheduled before it is removed: a crash in between repeats a message and loses none.
    const job: RetryJob = { v: 1, notification, target, attempts: 0, since: now };
    if (!await letters.get(letter.value.id)) return false;
    await schedule([{ job, atMs: now }]);
    await ledger.replayed(notification, target, now);
    return await letters.remove(letter);
  };
}
