/**
 * Follows each notification from the plan to its last target, and writes down what became of it.
 * A notification is open here until every first attempt has come to something; from then on its
 * record is in the buffer's ledger; retries amend it there, and clients that come back.
 */

import type { Buffer, LedgerName } from "../buffer/mod.ts";
import { type LedgerRecord, type Receipt, stateOf, type TargetRecord } from "../core/ledger.ts";
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
  /** A client reported a notification for the first time. */
  received(receipt: Receipt): void;
}

interface Open {
  readonly notification: Notification;
  remaining: number;
  readonly targets: Map<string, TargetRecord>;
  receipts: readonly Receipt[];
}

type LedgerBuffer = Pick<Buffer, "settle" | "amend" | "record">;

/** Receipts of one notification that are kept. */
const MAX_RECEIPTS = 16;

/** See the file's comment. */
export class Ledger {
  readonly #buffer: LedgerBuffer;
  readonly #observer: LedgerObserver;
  readonly #open = new Map<string, Open>();
  #idle: (() => void)[] = [];
  #retrying = 0;

  constructor(buffer: LedgerBuffer, observer: LedgerObserver) {
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
    const targets = new Map(known.map((record) => [targetNameOf(record), record]));
    this.#open.set(notification.id, { notification, remaining: pending, targets, receipts: [] });
  }

  /** One of the pending targets came to something. */
  attempted(notification: Notification, record: TargetRecord): void {
    const open = this.#open.get(notification.id);
    if (!open) return;
    this.#observer.target(notification, record);
    // A retry may have ended already, while this notification's other targets were waited for.
    const earlier = open.targets.get(targetNameOf(record));
    if (!earlier || earlier.state === "retrying") open.targets.set(targetNameOf(record), record);
    if (--open.remaining > 0) return;
    this.#open.delete(notification.id);
    this.#write(notification, [...open.targets.values()], {}, open.receipts);
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
      open.targets.set(targetNameOf(record), record);
      return;
    }
    let ended: LedgerRecord | undefined;
    await this.#buffer.amend(notification, (before) => {
      const targets = new Map(before.targets.map((target) => [targetNameOf(target), target]));
      targets.set(targetNameOf(record), record);
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

  /**
   * A client reported a notification. `unknown` where there is no record of it, or none yet; `known`
   * for a report that repeats an earlier one.
   */
  async receive(name: LedgerName, receipt: Receipt): Promise<"new" | "known" | "unknown"> {
    const open = this.#open.get(name.id);
    let isNew = false;
    const add = (known: readonly Receipt[] = []) => {
      isNew = known.length < MAX_RECEIPTS &&
        !known.some(({ kind, client }) => kind === receipt.kind && client === receipt.client);
      return isNew ? [...known, receipt] : known;
    };
    let isKnown = true;
    if (open) open.receipts = add(open.receipts);
    else {
      isKnown = await this.#buffer.amend(name, (before) => {
        const receipts = add(before.receipts);
        return isNew ? { ...before, receipts } : before;
      });
    }
    if (!isKnown) return "unknown";
    if (isNew) this.#observer.received(receipt);
    return isNew ? "new" : "known";
  }

  /** The record of a notification whose first attempts have ended. */
  record(name: LedgerName): Promise<LedgerRecord | undefined> {
    return this.#buffer.record(name);
  }

  /** Cancels the targets of a notification that have not been sent. Returns how many those are. */
  async cancel(name: LedgerName, at: number): Promise<number> {
    let count = 0;
    let ended: LedgerRecord | undefined;
    const isKnown = await this.#buffer.amend(name, (before) => {
      count = before.targets.filter(isPending).length;
      ended = undefined;
      if (count === 0) return before;
      const targets = before.targets.map(({ until: _, ...target }): TargetRecord =>
        isPending(target) ? { ...target, state: "cancelled", at } : target
      );
      ended = { ...before, targets, state: stateOf(targets) };
      return ended;
    });
    if (!isKnown || !ended) return 0;
    this.#retrying--;
    this.#observer.settled(ended);
    return count;
  }

  #write(
    { id, context, user, topic, acceptedAt, collapseKey }: Notification,
    targets: readonly TargetRecord[],
    because: Pick<LedgerRecord, "reason"> & Partial<Pick<LedgerRecord, "state">> = {},
    receipts: readonly Receipt[] = NO_RECEIPTS,
  ): void {
    const state = because.state ?? stateOf(targets);
    const known = { id, context, user, topic, acceptedAt, state, targets };
    const { reason } = because;
    const isPlain = reason === undefined && collapseKey === undefined && receipts.length === 0;
    const record: LedgerRecord = isPlain ? known : {
      ...known,
      ...(reason !== undefined && { reason }),
      ...(collapseKey !== undefined && { collapseKey }),
      ...(receipts.length > 0 && { receipts }),
    };
    for (const merged of this.#buffer.settle(record)) this.#observer.settled(merged);
    if (state === "in_flight") this.#retrying++;
    else this.#observer.settled(record);
  }
}

const NO_RECEIPTS: readonly Receipt[] = [];

/** Whether a target is still to be sent. */
function isPending({ state }: TargetRecord): boolean {
  return state === "retrying" || state === "held";
}

function isKeptFor(client: string, target: TargetRecord): boolean {
  return target.state === "kept" && target.client === client && target.transport === "websocket";
}

/** Names a target within its notification. */
export function targetNameOf(
  { client, transport, subscription }: Pick<TargetRecord, "client" | "transport" | "subscription">,
): string {
  return `${transport}/${client}/${subscription ?? ""}`;
}
