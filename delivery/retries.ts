/**
 * Runs durable retry jobs and replays dead letters. Before each attempt it checks the current
 * configuration and subscription.
 */

import type { Clock } from "../core/clock.ts";
import type { LedgerRecord } from "../core/ledger.ts";
import type { StoreEntry } from "../core/store.ts";
import type { Target, TransportName } from "../core/subscription.ts";
import type { RetryJob, Sender } from "./sender.ts";
import type { DeadLetter, DeadLetters } from "./dead_letters.ts";
import type { Digests } from "./digests.ts";
import type { ConfigurationSnapshot } from "./dispatch.ts";
import type { JobResult } from "./job_claims.ts";
import type { Ledger } from "./ledger.ts";
import { recordOf, targetKey } from "./target_records.ts";
import { plan } from "./plan.ts";
import { quietDecision } from "./quiet.ts";

interface RetriesOptions {
  readonly sender: Sender;
  readonly ledger: Ledger;
  readonly configuration: () => ConfigurationSnapshot;
  readonly serves: (transport: TransportName, client: string) => boolean;
  /** The current target, or `undefined` where the user no longer subscribes with it. */
  readonly refresh: (target: Target) => Promise<Target | undefined>;
  readonly digests: Pick<Digests, "hold">;
  readonly clock: Clock;
}

/** Creates the handler of the retry queue. */
export function createRetries(options: RetriesOptions) {
  const { sender, ledger, digests, configuration, serves, refresh, clock } = options;

  /** Returns why there is no attempt now, or `undefined`. */
  async function reasonToStop(job: RetryJob, target: Target | undefined) {
    const { expiresAt, context, user } = job.notification;
    if (expiresAt !== undefined && clock.now() >= expiresAt) {
      return { state: "expired", reason: "the notification expired" } as const;
    }
    if (!target) return { state: "gone", reason: "the user unsubscribed" } as const;
    const permissions = await configuration().view(context, user);
    const [step] = plan(job.notification, [target], { permissions, serves });
    // A client without options may get them with the next reload.
    if (step && !step.send && step.state !== "unserved") return step;
    const now = clock.now();
    const quiet = quietDecision(job.notification, target, { permissions, now });
    if (quiet?.action === "drop") return { state: "quiet", reason: "quiet hours" } as const;
    return quiet?.action === "hold" ? { heldUntil: quiet.until } : undefined;
  }

  return async (job: RetryJob): Promise<JobResult<RetryJob>> => {
    const known = await ledger.record(job.notification);
    if (isCancelled(job, known)) return { done: true };
    const target = await refresh(job.target);
    const stop = acknowledgedInTime(job, known) ?? await reasonToStop(job, target);
    if (stop) {
      if ("heldUntil" in stop) {
        const held = await digests.hold(job.notification, target!, stop.heldUntil);
        await ledger.retried(job.notification, held);
        return { done: true };
      }
      const { state, reason } = stop;
      const { attempts, earlier } = job;
      const record = recordOf(job.target, {
        ...{ state, at: clock.now() },
        ...(reason !== undefined && { reason }),
        ...(attempts > 0 && { attempts }),
        ...(earlier && { earlier }),
      });
      await ledger.retried(job.notification, record);
      return { done: true };
    }
    const { record, result } = await sender.retry({ ...job, target: target! });
    // After its first attempt, a target that was held is retrying.
    if (result.done || job.hold) await ledger.retried(job.notification, record);
    return result;
  };
}

/** Whether the publisher cancelled the target of a job. */
function isCancelled({ target }: RetryJob, record: LedgerRecord | undefined): boolean {
  if (!record?.targets.some(({ state }) => state === "cancelled")) return false;
  const key = targetKey(recordOf(target, { state: "cancelled", at: 0 }));
  return record.targets.some((one) => one.state === "cancelled" && targetKey(one) === key);
}

/** Why a job that waited for an acknowledgement is not needed any more, or `undefined`. */
function acknowledgedInTime({ hold }: RetryJob, record: LedgerRecord | undefined) {
  if (hold !== "escalation" || !record?.receipts?.length) return undefined;
  return { state: "seen", reason: "a client acknowledged it in time" } as const;
}

/** Retries a dead letter; false where it was replayed before. */
export type Replay = (letter: StoreEntry<DeadLetter>) => Promise<boolean>;

/** Creates the function that replays dead letters. It ignores their ttl. */
export function createReplay(
  { deadLetters, ledger, clock, schedule }: {
    readonly deadLetters: DeadLetters;
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
    // Scheduled before the dead letter is removed: a crash in between may repeat a message but
    // loses none.
    const job: RetryJob = { v: 1, notification, target, attempts: 0, since: now };
    if (!await deadLetters.get(letter.value.id)) return false;
    await schedule([{ job, atMs: now }]);
    await ledger.replayed(notification, target, now);
    return await deadLetters.remove(letter);
  };
}
