/**
 * Follows each notification from the plan to its last target, and writes down what became of it.
 * A notification is open here until every first attempt has come to something; from then on its
 * record is in the buffer's ledger; retries amend it there, and clients that come back.
 */

import type { Buffer, LedgerName } from "../buffer/mod.ts";
import { type LedgerRecord, stateOf, type TargetRecord } from "../core/ledger.ts";
import type { Notification } from "../core/notification.ts";
import type { Target } from "../core/subscription.ts";

/** Told of every target that came to something, and of every notification that did. */
export interface LedgerObserver {
  target(notification: Notification, record: TargetRecord): void;
  settled(record: LedgerRecord): void;
  /** A settled notification is in flight again. */
  reopened(): void;
  /** A client got what had been kept for it; its notification may have been settled before. */
  caughtUp(): void;
}

interface Open {
  readonly notification: Notification;
  remaining: number;
  readonly targets: Map<string, TargetRecord>;
}

/** See the file's comment. */
export class Ledger {
  readonly #buffer: Pick<Buffer, "settle" | "amend">;
  readonly #observer: LedgerObserver;
  readonly #open = new Map<string, Open>();
  #idle: (() => void)[] = [];
  #retrying = 0;

  constructor(buffer: Pick<Buffer, "settle" | "amend">, observer: LedgerObserver) {
    this.#buffer = buffer;
    this.#observer = observer;
  }

  /** Notifications with a first attempt under way. */
  get open(): number {
    return this.#open.size;
  }

  /**
   * Notifications whose first attempts have ended, and of which at least one is tried again. Where
   * nodes share retries, one ends what another began: only the sum over all of them is right, and
   * one that ended more than it began says 0.
   */
  get retrying(): number {
    return Math.max(0, this.#retrying);
  }

  /** Takes over notifications that were being tried again when an earlier process ended. */
  resume(retrying: number): void {
    this.#retrying += retrying;
  }

  /** Resolves when no first attempt is under way. */
  idle(): Promise<void> {
    if (this.#open.size === 0) return Promise.resolve();
    return new Promise((resolve) => this.#idle.push(resolve));
  }

  /** Settles a notification of which everything is known at once. */
  settle(
    notification: Notification,
    targets: readonly TargetRecord[],
    because: Pick<LedgerRecord, "reason"> & Partial<Pick<LedgerRecord, "state">> = {},
  ): void {
    for (const record of targets) this.#observer.target(notification, record);
    this.#write(notification, targets, because);
  }

  /** Opens a notification with what is known already, and `pending` targets to come. */
  begin(notification: Notification, known: readonly TargetRecord[], pending: number): void {
    for (const record of known) this.#observer.target(notification, record);
    const targets = new Map(known.map((record) => [nameOf(record), record]));
    this.#open.set(notification.id, { notification, remaining: pending, targets });
  }

  /** One of the pending targets came to something. */
  attempted(notification: Notification, record: TargetRecord): void {
    const open = this.#open.get(notification.id);
    if (!open) return;
    this.#observer.target(notification, record);
    // A retry may have ended already, while this notification's other targets were waited for.
    const earlier = open.targets.get(nameOf(record));
    if (!earlier || earlier.state === "retrying") open.targets.set(nameOf(record), record);
    if (--open.remaining > 0) return;
    this.#open.delete(notification.id);
    this.#write(notification, [...open.targets.values()]);
    if (this.#open.size === 0) { for (const resolve of this.#idle.splice(0)) resolve(); }
  }

  /** Forgets a notification that will be handed over again; what its targets come to is not kept. */
  abandon({ id }: Notification): void {
    if (!this.#open.delete(id)) return;
    if (this.#open.size === 0) { for (const resolve of this.#idle.splice(0)) resolve(); }
  }

  /** A retry came to an end. */
  async retried(notification: Notification, record: TargetRecord): Promise<void> {
    this.#observer.target(notification, record);
    const open = this.#open.get(notification.id);
    if (open) {
      open.targets.set(nameOf(record), record);
      return;
    }
    let ended: LedgerRecord | undefined;
    await this.#buffer.amend(notification, (before) => {
      const targets = new Map(before.targets.map((target) => [nameOf(target), target]));
      targets.set(nameOf(record), record);
      const after = { ...before, targets: [...targets.values()] };
      const state = stateOf(after.targets);
      ended = before.state === "in_flight" && state !== "in_flight"
        ? { ...after, state }
        : undefined;
      return { ...after, state };
    });
    if (!ended) return;
    this.#retrying--;
    this.#observer.settled(ended);
  }

  /** A target that was given up is tried again. */
  async replayed(notification: Notification, target: Target, at: number): Promise<void> {
    const { client, transport, subscriptionId } = target;
    let wasFinal = false;
    await this.#buffer.amend(notification, (before) => {
      wasFinal = before.state !== "in_flight";
      const targets = before.targets.map((record) =>
        record.client === client && record.transport === transport &&
          record.subscription === subscriptionId
          ? { ...record, state: "retrying" as const, at }
          : record
      );
      return { ...before, targets, state: stateOf(targets) };
    });
    if (!wasFinal) return;
    this.#retrying++;
    this.#observer.reopened();
  }

  /**
   * A client has come back and was told what had been kept for it. Whatever else became of it there
   * stays as it is. False where there is no such record, or none yet.
   */
  async acknowledge(
    name: LedgerName,
    { client, at }: { readonly client: string; readonly at: number },
  ): Promise<boolean> {
    const told = (target: TargetRecord): TargetRecord => ({ ...target, state: "sent", at });
    const open = this.#open.get(name.id);
    if (open) {
      for (const [key, target] of open.targets) {
        if (!isKeptFor(client, target)) continue;
        open.targets.set(key, told(target));
        this.#observer.caughtUp();
      }
      return true;
    }
    let wasKept = false;
    const isKnown = await this.#buffer.amend(name, (before) => {
      wasKept = before.targets.some((target) => isKeptFor(client, target));
      if (!wasKept) return before;
      const targets = before.targets.map((target) =>
        isKeptFor(client, target) ? told(target) : target
      );
      return { ...before, targets, state: stateOf(targets) };
    });
    if (isKnown && wasKept) this.#observer.caughtUp();
    return isKnown;
  }

  #write(
    { id, context, user, topic, acceptedAt }: Notification,
    targets: readonly TargetRecord[],
    because: Pick<LedgerRecord, "reason"> & Partial<Pick<LedgerRecord, "state">> = {},
  ): void {
    const state = because.state ?? stateOf(targets);
    const known = { id, context, user, topic, acceptedAt, state, targets };
    const { reason } = because;
    const record: LedgerRecord = reason === undefined ? known : { ...known, reason };
    for (const merged of this.#buffer.settle(record)) this.#observer.settled(merged);
    if (state === "in_flight") this.#retrying++;
    else this.#observer.settled(record);
  }
}

function isKeptFor(client: string, target: TargetRecord): boolean {
  return target.state === "kept" && target.client === client && target.transport === "websocket";
}

function nameOf({ client, transport, subscription }: TargetRecord): string {
  return `${transport}/${client}/${subscription ?? ""}`;
}
