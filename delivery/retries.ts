/** Works off durable retry jobs. The configuration and the subscriptions are asked again first. */

import type { Clock } from "../core/clock.ts";
import type { LedgerRecord, TargetRecord, TargetState } from "../core/ledger.ts";
import type { Target, TransportName } from "../core/subscription.ts";
import type { RetryJob, Sender } from "./sender.ts";
import type { ConfigurationSnapshot } from "./dispatch.ts";
import type { JobResult } from "./due_queue.ts";
import { type Ledger, targetNameOf } from "./ledger.ts";
import { plan } from "./plan.ts";

/** What working off retries needs. */
export interface RetriesOptions {
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

  /** Why a job that waited is not needed any more, by the record of its notification. */
  function superseded(job: RetryJob, record: LedgerRecord | undefined) {
    if (job.hold !== "escalation" || !record?.receipts?.length) return undefined;
    return { state: "seen", reason: "a client acknowledged it in time" } as const;
  }

  return async (job: RetryJob): Promise<JobResult<RetryJob>> => {
    const known = await ledger.record(job.notification);
    if (isCancelled(job, known)) return { done: true };
    const target = await refresh(job.target);
    const stop = superseded(job, known) ?? await obstacle(job, target);
    if (stop) {
      await ledger.retried(job.notification, ended(job, stop));
      return { done: true };
    }
    const { record, result } = await sender.retry({ ...job, target: target! });
    // What waited is not waiting any more, so that its record must say what it came to.
    if (result.done || job.hold) await ledger.retried(job.notification, record);
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
      ...(attempts > 0 && { attempts }),
      at: clock.now(),
    };
  }
}

/** Whether a publisher cancelled what a job is about. */
function isCancelled({ target }: RetryJob, record: LedgerRecord | undefined): boolean {
  const name = targetNameOf({
    client: target.client,
    transport: target.transport,
    ...(target.subscriptionId !== undefined && { subscription: target.subscriptionId }),
  });
  return record?.targets.some((each) =>
    each.state === "cancelled" && targetNameOf(each) === name
  ) ?? false;
}
