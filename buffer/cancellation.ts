/** The record of a notification that was cancelled before it was handed over. Pure. */

import { type LedgerRecord, MAY_BE_SENT } from "../core/ledger.ts";
import type { Notification } from "../core/notification.ts";

/**
 * Returns the record of a cancelled notification.
 *
 * @param options.isRepeat it was handed over before, by a process that is gone, with an unknown
 * outcome; the record says so
 */
export function cancelledRecord(
  { id, context, user, topic, acceptedAt, collapseKey, options }: Notification,
  { isRepeat }: { readonly isRepeat: boolean },
): LedgerRecord {
  return {
    ...{ id, context, user, topic, acceptedAt, state: "cancelled", targets: [] },
    ...(isRepeat && { reason: MAY_BE_SENT }),
    ...(collapseKey !== undefined && { collapseKey }),
    ...(options?.fanout !== undefined && { fanout: options.fanout }),
  };
}
