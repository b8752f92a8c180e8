/**
 * What a publisher may ask of a notification beyond its delivery. Nearly no notification has any of
 * it, so it is one optional object: a notification without it is stored and sent as before.
 */

/** What a publisher asks for; absent fields are not asked for. */
export interface DeliveryOptions {
  /** Epoch milliseconds before which the notification is not sent. */
  readonly deliverAt?: number;
  /** Milliseconds for which stored addresses wait for a socket to acknowledge the event. */
  readonly escalateAfterMs?: number;
  /** Messages carry a receipt token, and sockets are asked to acknowledge the event. */
  readonly receipts?: true;
  /** The id of the notification to many users that this is one of. */
  readonly fanout?: string;
  /** The notification takes back what an earlier one has shown. */
  readonly dismiss?: Dismissal;
}

/** What a dismissal takes back. */
export interface Dismissal {
  /** The id of the notification that was shown. */
  readonly id: string;
  /** Its collapse key; absent where it had none. */
  readonly collapseKey?: string;
}

/** Whether the sockets that receive a notification are asked to acknowledge it. */
export function asksForAcknowledgement(options: DeliveryOptions | undefined): boolean {
  return options !== undefined &&
    (options.escalateAfterMs !== undefined || options.receipts === true);
}

/** Returns the data of a dismissal as JSON: what sockets receive with the event `dismiss`. */
export function dismissalData({ id, collapseKey }: Dismissal, topic: string): string {
  return JSON.stringify({ id, tag: collapseKey ?? id, topic });
}
