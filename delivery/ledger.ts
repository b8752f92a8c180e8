/**
 * Follows each notification from its plan to its last target and records the outcome. A
 * notification is open here until every first attempt has ended; its record is then in the buffer's
 * ledger, where retries and returning clients amend it.
 */

import type { Buffer, LedgerName } from "../buffer/mod.ts";
import { type LedgerRecord, type Receipt, stateOf, type TargetRecord } from "../core/ledger.ts";
import type { Notification } from "../core/notification.ts";
import type { Target } from "../core/subscription.ts";
import { indexOfTarget, isKeptFor, isUnsent, putRecord } from "./target_records.ts";

/** Receives each target record and each settled notification, for metrics. */
export interface LedgerObserver {
  target(notification: Notification, record: TargetRecord): void;
  settled(record: LedgerRecord): void;
  /** A settled notification is in flight again. */
  reopened(): void;
  /**
   * A returning client received what was kept for it; its notification may have been settled
   * before.
   */
  acknowledged(): void;
  /** A client reported a notification, for the first time in this way. */
  received(receipt: Receipt): void;
}

interface Open {
  readonly notification: Notification;
  remaining: number;
  readonly targets: TargetRecord[];
  receipts: readonly Receipt[];
}

type LedgerBuffer = Pick<Buffer, "settle" | "amend" | "record" | "cancel">;

const NONE: readonly Receipt[] = [];
/** Receipts that the record of a notification has at most. */
const MAX_RECEIPTS = 16;

/** Tracks open notifications and writes their records. */
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

  /** Notifications with a first attempt in progress. */
  get open(): number {
    return this.#open.size;
  }

  /**
   * Notifications whose first attempts ended while a retry is pending. Nodes that share retries end
   * each other's, so only the sum over all nodes is exact; a node that ended more than it began
   * reports 0.
   */
  get retrying(): number {
    return Math.max(0, this.#retrying);
  }

  /** Adds notifications whose retries an earlier process left. */
  resume(retrying: number): void {
    this.#retrying += retrying;
  }

  /** Resolves when no first attempt is in progress. */
  idle(): Promise<void> {
    if (this.#open.size === 0) return Promise.resolve();
    return new Promise((resolve) => this.#idle.push(resolve));
  }

  /** Settles a notification whose targets are all known. */
  settle(
    notification: Notification,
    targets: readonly TargetRecord[],
    why: Pick<LedgerRecord, "reason"> & Partial<Pick<LedgerRecord, "state">> = {},
  ): void {
    for (const record of targets) this.#observer.target(notification, record);
    this.#writeRecord(notification, targets, why);
  }

  /** Opens a notification with the known targets and a number of pending ones. */
  begin(notification: Notification, known: readonly TargetRecord[], pending: number): void {
    for (const record of known) this.#observer.target(notification, record);
    const targets = [...known];
    this.#open.set(notification.id, { notification, remaining: pending, targets, receipts: NONE });
  }

  /** Records the outcome of one pending target. */
  attempted(notification: Notification, record: TargetRecord): void {
    const open = this.#open.get(notification.id);
    if (!open) return;
    this.#observer.target(notification, record);
    // Its retry may have ended while other targets of the notification were still pending.
    const at = indexOfTarget(open.targets, record);
    if (at < 0) open.targets.push(record);
    else if (open.targets[at]!.state === "retrying") open.targets[at] = record;
    if (--open.remaining > 0) return;
    this.#open.delete(notification.id);
    this.#writeRecord(notification, open.targets, { receipts: open.receipts });
    if (this.#open.size === 0) { for (const resolve of this.#idle.splice(0)) resolve(); }
  }

  /** Drops an open notification that the buffer will hand out again. */
  abandon({ id }: Notification): void {
    if (!this.#open.delete(id)) return;
    if (this.#open.size === 0) { for (const resolve of this.#idle.splice(0)) resolve(); }
  }

  /** Records that a retry ended. */
  async retried(notification: Notification, record: TargetRecord): Promise<void> {
    this.#observer.target(notification, record);
    const open = this.#open.get(notification.id);
    if (open) {
      putRecord(open.targets, record);
      return;
    }
    let ended: LedgerRecord | undefined;
    await this.#buffer.amend(notification, (before) => {
      const after = { ...before, targets: putRecord([...before.targets], record) };
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

  /** Records that an operator retries a dead target. */
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
   * Changes `kept` to `sent` for a returning client; all else stays. False where the record does
   * not exist, or not yet.
   */
  async acknowledge(
    name: LedgerName,
    { client, at }: { readonly client: string; readonly at: number },
  ): Promise<boolean> {
    const asSent = (target: TargetRecord): TargetRecord => ({ ...target, state: "sent", at });
    const open = this.#open.get(name.id);
    if (open) {
      for (const [index, target] of open.targets.entries()) {
        if (!isKeptFor(client, target)) continue;
        open.targets[index] = asSent(target);
        this.#observer.acknowledged();
      }
      return true;
    }
    let wasKept = false;
    const isKnown = await this.#buffer.amend(name, (before) => {
      wasKept = before.targets.some((target) => isKeptFor(client, target));
      if (!wasKept) return before;
      const targets = before.targets.map((target) =>
        isKeptFor(client, target) ? asSent(target) : target
      );
      return { ...before, targets, state: stateOf(targets) };
    });
    if (isKnown && wasKept) this.#observer.acknowledged();
    return isKnown;
  }

  /**
   * Adds what a client reported. `unknown` where the record does not exist, or not yet; `known` for
   * a report that repeats an earlier one of the client, if by another socket.
   */
  async receive(name: LedgerName, receipt: Receipt): Promise<"new" | "known" | "unknown"> {
    let isNew = false;
    const add = (known: readonly Receipt[] = []) => {
      const same = known.filter(({ kind, client }) =>
        kind === receipt.kind && client === receipt.client
      );
      const isAdded = known.length < MAX_RECEIPTS &&
        !same.some(({ connection }) => connection === receipt.connection);
      isNew = isAdded && same.length === 0;
      return isAdded ? [...known, receipt] : known;
    };
    const open = this.#open.get(name.id);
    if (open) open.receipts = add(open.receipts);
    else {
      const isKnown = await this.#buffer.amend(name, (before) => {
        const receipts = add(before.receipts);
        return receipts === before.receipts ? before : { ...before, receipts };
      });
      if (!isKnown) return "unknown";
    }
    if (isNew) this.#observer.received(receipt);
    return isNew ? "new" : "known";
  }

  /** Returns the record of a notification whose first attempts have ended. */
  record(name: LedgerName): Promise<LedgerRecord | undefined> {
    return this.#buffer.record(name);
  }

  /**
   * Cancels notifications that were not handed over yet, and returns their records.
   *
   * @throws {ServiceError} `store_unavailable`
   */
  async cancelWaiting(names: readonly LedgerName[]): Promise<readonly LedgerRecord[]> {
    const cancelled: LedgerRecord[] = [];
    await this.#buffer.cancel(names, (record) => {
      if (record.state === "cancelled") cancelled.push(record);
      this.#observer.settled(record);
    });
    return cancelled;
  }

  /** Cancels the targets of a notification that are not sent yet, and returns their number. */
  async cancel(name: LedgerName, at: number): Promise<number> {
    let count = 0;
    let ended: LedgerRecord | undefined;
    // Most have nothing unsent, and an amendment is a write.
    if (!(await this.#buffer.record(name))?.targets.some(isUnsent)) return 0;
    const isKnown = await this.#buffer.amend(name, (before) => {
      count = before.targets.filter(isUnsent).length;
      ended = undefined;
      if (count === 0) return before;
      const targets = before.targets.map(({ until: _, ...target }): TargetRecord =>
        isUnsent(target) ? { ...target, state: "cancelled", at } : target
      );
      return ended = { ...before, targets, state: stateOf(targets) };
    });
    if (!isKnown || !ended) return 0;
    this.#retrying--;
    this.#observer.settled(ended);
    return count;
  }

  #writeRecord(
    { id, context, user, topic, acceptedAt, collapseKey, options }: Notification,
    targets: readonly TargetRecord[],
    why: Pick<LedgerRecord, "reason" | "receipts"> & Partial<Pick<LedgerRecord, "state">> = {},
  ): void {
    const state = why.state ?? stateOf(targets);
    const known = { id, context, user, topic, acceptedAt, state, targets };
    const { reason, receipts = [] } = why;
    const isPlain = reason === undefined && collapseKey === undefined &&
      options?.fanout === undefined && receipts.length === 0;
    const record: LedgerRecord = isPlain ? known : {
      ...known,
      ...(reason !== undefined && { reason }),
      ...(collapseKey !== undefined && { collapseKey }),
      ...(options?.fanout !== undefined && { fanout: options.fanout }),
      ...(receipts.length > 0 && { receipts }),
    };
    for (const merged of this.#buffer.settle(record)) this.#observer.settled(merged);
    if (state === "in_flight") this.#retrying++;
    else this.#observer.settled(record);
  }
}
