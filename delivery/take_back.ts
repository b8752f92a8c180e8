/**
 * Takes notifications back: what has not been sent is cancelled, and for what was shown a dismissal
 * is published, which is a notification like any other. It goes to all who subscribe to the topic
 * now, as the event `dismiss` on sockets and as a silent push with the tag elsewhere.
 */

import type { Buffer } from "../buffer/mod.ts";
import type { Clock } from "../core/clock.ts";
import { dismissalData } from "../core/delivery_options.ts";
import type { IdSource } from "../core/ids.ts";
import { type LedgerRecord, MAY_BE_SENT } from "../core/ledger.ts";
import type { Notification } from "../core/notification.ts";
import type { Fanouts } from "./fanout.ts";
import type { Ledger } from "./ledger.ts";
import type { ScheduledNotifications } from "./scheduled.ts";

/** What taking back needs. */
interface TakeBackOptions {
  readonly buffer: Pick<Buffer, "put">;
  readonly ledger: Ledger;
  readonly scheduled: Pick<ScheduledNotifications, "cancel">;
  readonly fanouts: Pick<Fanouts, "accept" | "cancel">;
  readonly ids: IdSource;
  readonly clock: Pick<Clock, "now">;
  /** A dismissal was accepted. */
  readonly onAccepted: () => void;
}

/** Takes back a notification that was found under its public id. */
export interface TakeBack {
  /**
   * Cancels what is not sent. Returns the number of targets; a notification that is scheduled, that
   * waits for its delay or that is to many users is one.
   */
  cancel(found: LedgerRecord): Promise<number>;
  /**
   * Cancels what is not sent and dismisses what is. Returns the id of the dismissal; `undefined`
   * where nothing was sent.
   *
   * @throws {ServiceError} what {@link Buffer.put} throws
   */
  dismiss(found: LedgerRecord): Promise<{ readonly id: string | undefined; cancelled: number }>;
}

/** Makes {@link TakeBack}. */
export function createTakeBack(options: TakeBackOptions): TakeBack {
  const { buffer, ledger, scheduled, fanouts, ids, clock, onAccepted } = options;

  async function cancel(found: LedgerRecord): Promise<number> {
    return (await cancelUnsent(found)).cancelled;
  }

  async function cancelUnsent(found: LedgerRecord): Promise<Cancellation> {
    if (found.users) return { cancelled: await fanouts.cancel(found.id) ? 1 : 0 };
    if (found.state === "scheduled") return { cancelled: await scheduled.cancel(found.id) ? 1 : 0 };
    const name = { ...found, id: found.deliveredAs ?? found.id };
    const [waiting] = isWaiting(found) ? await ledger.cancelWaiting([name]) : [];
    if (waiting) return { cancelled: 1, wasWaiting: waiting.reason !== MAY_BE_SENT };
    return { cancelled: await ledger.cancel(name, clock.now()) };
  }

  async function dismiss(found: LedgerRecord) {
    const { cancelled, wasWaiting } = await cancelUnsent(found);
    if (wasWaiting || !mayBeShown(found)) return { id: undefined, cancelled };
    const dismissal = dismissalOf(found, { id: ids(), acceptedAt: clock.now() });
    if (found.users) await fanouts.accept(dismissal, { kind: "dismissal", of: found.id });
    else await buffer.put([dismissal]);
    onAccepted();
    return { id: dismissal.id, cancelled };
  }

  return { cancel, dismiss };
}

interface Cancellation {
  /** Targets. */
  readonly cancelled: number;
  /** It waited for its delay, so that nothing of it was sent. */
  readonly wasWaiting?: boolean;
}

/** Whether it waits for its delay, or has first attempts under way. */
function isWaiting({ state, targets }: Pick<LedgerRecord, "state" | "targets">): boolean {
  return state === "in_flight" && targets.length === 0;
}

/** Whether something was sent, or is being sent now. */
function mayBeShown({ state, targets, users }: LedgerRecord): boolean {
  if (users) return users.count > 0;
  if (isWaiting({ state, targets })) return true;
  return targets.some(({ state }) => state === "sent" || state === "kept" || state === "retrying");
}

function dismissalOf(
  { id: publicId, deliveredAs, context, user, topic, collapseKey }: LedgerRecord,
  made: Pick<Notification, "id" | "acceptedAt">,
): Notification {
  const id = deliveredAs ?? publicId;
  const dismiss = { id, ...(collapseKey !== undefined && { collapseKey }) };
  const data = dismissalData(dismiss, topic);
  return { ...made, context, user, topic, data, priority: "high", options: { dismiss } };
}
