/**
 * Notifications to many users: one record with the notification and where it has got to, and a page
 * of users after the other, each put into the buffer at most once. It waits while the buffer is half
 * full, so that other publishers are not locked out. A page is in memory, the audience never is. A
 * user that joins the audience behind the page that is read is included.
 */

import type { Buffer } from "../buffer/mod.ts";
import type { Clock } from "../core/clock.ts";
import { ServiceError } from "../core/errors.ts";
import type { LedgerRecord } from "../core/ledger.ts";
import type { Notification } from "../core/notification.ts";
import type { Commit, StoreEntry } from "../core/store.ts";
import type { ReadAudience } from "./_fanout_pages.ts";
import { recallPage } from "./_fanout_recall.ts";
import {
  type Audience,
  bytesOfText,
  fanoutLedgerRecord,
  type FanoutPage,
  type FanoutRecord,
  type FanoutSource,
  idsOf,
  namesKey,
  PAGE_KEEP_MS,
  pageKey,
  pageSizeOf,
  pagesOf,
  recordKey,
  settledOf,
  usersOf,
} from "./_fanout_records.ts";
import { type FanoutPartJob, FULL_PAUSE_MS, LocalPages } from "./_local_pages.ts";
import {
  type AcceptPage,
  createPageAcceptance,
  type PageAcceptanceOptions,
} from "./_page_acceptance.ts";
import { PagesAhead } from "./_pages_ahead.ts";
import type { DueQueue } from "./due_queue.ts";
import type { FanoutCounts } from "./fanout_counts.ts";
import type { JobResult } from "./job_claims.ts";
import type { Ledger } from "./ledger.ts";

export type { Audience, FanoutPartJob, FanoutSource, ReadAudience };

/** Names the record. */
export interface FanoutJob {
  readonly v: 1;
  readonly id: string;
}

/** A page of users, and what became of them. */
interface UserOutcomes extends Pick<FanoutPage, "state" | "atMs"> {
  readonly users: readonly string[];
  /** The ids of their notifications; absent where they are not accepted. */
  readonly ids?: readonly string[];
}

interface FanoutOptions extends PageAcceptanceOptions {
  readonly queue: Pick<DueQueue<FanoutJob>, "scheduleIf">;
  readonly parts: Pick<DueQueue<FanoutPartJob>, "schedule" | "scheduleIf">;
  readonly buffer: Pick<Buffer, "depth" | "put" | "traits">;
  readonly ledger: Pick<Ledger, "cancelWaiting" | "cancel">;
  readonly maxNotifications: () => number;
  readonly readAudience: ReadAudience;
  /** The IANA name of a user's time zone. */
  readonly timeZone: (context: string, user: string) => string | Promise<string>;
  readonly counts: FanoutCounts;
  readonly clock: Pick<Clock, "now" | "monotonic">;
  readonly onEnded: (state: LedgerRecord["state"]) => void;
}

/** How long one run goes on before others have their turn. */
const RUN_MS = 2_000;
/** How long a cancellation goes on before it is answered; its job does the rest. */
const CANCEL_MS = 1_000;

/** Fans notifications out. */
export class Fanouts {
  readonly #options: FanoutOptions;
  readonly #acceptPage: AcceptPage;
  readonly #local: LocalPages;
  /** Those whose pages this process is accepting. */
  readonly #running = new Map<string, { isCancelled: boolean }>();

  constructor(options: FanoutOptions) {
    this.#options = options;
    this.#acceptPage = createPageAcceptance(options);
    this.#local = new LocalPages({
      ...{ ...options, acceptPage: this.#acceptPage },
      isBusy: (size) => this.#isBufferBusy(size),
    });
  }

  /**
   * Accepts a notification to many users, together with other records; durable when it resolves. One
   * that is known already stays as it is.
   *
   * @param notification its user does not matter
   * @param options.local the time at which each is notified by a clock of their own zone
   * @throws {ServiceError} `store_unavailable`
   */
  async accept(
    { user: _, data, options = {}, ...rest }: Notification,
    source: FanoutSource,
    { sets = [], local }: {
      readonly sets?: NonNullable<Commit["sets"]>;
      readonly local?: string | undefined;
    } = {},
  ): Promise<void> {
    const { id } = rest;
    const { deliverAt: atMs = rest.acceptedAt, ...kept } = options;
    const bytes = bytesOfText(data);
    const template = { ...rest, data: bytes, options: { ...kept, fanout: id } };
    const pageSize = pageSizeOf(template, this.#options.maxNotifications());
    const value: FanoutRecord = {
      ...{ v: 1, state: "waiting", template, atMs, page: 0, pageSize, users: 0 },
      ...(local !== undefined && { local }),
      source: source.kind === "users" ? { kind: "users" } : source,
    };
    const keyOf = (page: number) => (local === undefined ? pageKey : namesKey)(id, page);
    const pages = source.kind === "users" ? pagesOf(source.users, { pageSize, keyOf }) : [];
    // With the check it goes past the journal: its job is read at once, and would wait for the
    // checkpoint of all that is in there.
    await this.#options.queue.scheduleIf([{ key: recordKey(id), version: null }], {
      jobs: [{ job: { v: 1, id }, atMs }],
      sets: [{ key: recordKey(id), value }, ...pages, ...sets],
    });
  }

  /** Puts some pages into the buffer; the handler of the queue. */
  async run(job: FanoutJob): Promise<JobResult<FanoutJob>> {
    const entry = await this.#get(job.id);
    if (!entry || entry.value.state === "done") return { done: true };
    // A page may have been accepted after its cancellation had ended.
    if (entry.value.state === "cancelled") return await this.#goOn(job);
    const { record, pauseMs } =
      await (entry.value.local === undefined ? this.#acceptPages(entry) : this.#splitPages(entry));
    if (record?.state === "done") {
      this.#options.onEnded(record.users > 0 ? "delivered" : "suppressed");
      return { done: true };
    }
    return { done: false, job, atMs: this.#options.clock.now() + pauseMs };
  }

  /** Accepts a page at its time, or goes on with a cancellation; the handler of their queue. */
  async runPart(job: FanoutPartJob): Promise<JobResult<FanoutPartJob>> {
    const { page } = job;
    return page === undefined ? await this.#goOn(job) : await this.#local.release({ ...job, page });
  }

  /**
   * Stops a fan-out, and cancels what is not sent of the pages so far: as much as it can within a
   * second, and the rest in the background. False where everything has ended.
   */
  async cancel(id: string): Promise<boolean> {
    const { parts, clock, onEnded, retentionMs } = this.#options;
    for (;;) {
      const entry = await this.#get(id);
      if (!entry || entry.value.recall !== undefined) return entry !== undefined;
      const { state, users } = entry.value;
      const hasEnded = state === "done";
      if (hasEnded && settledOf(await this.#statesOf(entry.value)) >= users) return false;
      const value: FanoutRecord = {
        ...{ ...entry.value, recall: 0 },
        state: hasEnded ? state : "cancelled",
      };
      const isStored = await parts.scheduleIf([entry], {
        jobs: [{ job: { v: 1, id }, atMs: clock.now() + CANCEL_MS }],
        sets: [{ key: entry.key, value, expireInMs: PAGE_KEEP_MS + retentionMs() }],
      });
      if (!isStored) continue;
      const running = this.#running.get(id);
      if (running) running.isCancelled = true;
      if (!hasEnded) onEnded("cancelled");
      await this.#recall(id, CANCEL_MS);
      return true;
    }
  }

  /** Returns the record of a notification to many users. */
  async find(id: string): Promise<LedgerRecord | undefined> {
    const record = (await this.#get(id))?.value;
    if (!record) return undefined;
    const states = await this.#statesOf(record);
    return fanoutLedgerRecord(record, { states, now: this.#options.clock.now() });
  }

  /** Returns a page of users and the ids of their notifications; `undefined` behind the last. */
  async page(id: string, page: number): Promise<UserOutcomes | undefined> {
    const { value } = await this.#options.store.get<FanoutPage>(pageKey(id, page)) ?? {};
    if (!value || (value.ids === undefined && value.atMs === undefined)) return undefined;
    const { state, atMs } = value;
    const ids = idsOf(value);
    return {
      users: usersOf(value),
      ...(ids && { ids }),
      ...(atMs !== undefined && { atMs }),
      ...(state !== undefined && { state }),
    };
  }

  /** Whether others would be locked out by one more page. */
  #isBufferBusy(pageSize: number): boolean {
    const { buffer, maxNotifications } = this.#options;
    const { inFlight } = buffer.depth();
    return inFlight > 0 && inFlight + pageSize > maxNotifications() / 2;
  }

  async #mustWait({ source, local, pageSize }: FanoutRecord): Promise<boolean> {
    if (source.kind === "dismissal") {
      // What is cancelled meanwhile need not be dismissed.
      const of = (await this.#get(source.of))?.value;
      if (of?.recall !== undefined && of.recall < of.page) return true;
    }
    return local === undefined && this.#isBufferBusy(pageSize);
  }

  async #splitPages(entry: StoreEntry<FanoutRecord>) {
    return { record: await this.#local.split(entry), pauseMs: 0 };
  }

  /**
   * Accepts page after page for some time, and then stores how far it has got: the pages say so,
   * too. The record is `undefined` where it was cancelled meanwhile.
   */
  async #acceptPages(entry: StoreEntry<FanoutRecord>) {
    const { store, clock, retentionMs } = this.#options;
    const until = clock.monotonic() + RUN_MS;
    let record = entry.value;
    const { template: { id } } = record;
    const pages = new PagesAhead(record, this.#options);
    const running = { isCancelled: false };
    this.#running.set(id, running);
    let pauseMs = 0;
    try {
      do {
        if (await this.#mustWait(record)) {
          pauseMs = FULL_PAUSE_MS;
          break;
        }
        const { open, moved } = await pages.next();
        const [now] = await Promise.all([
          store.traits.shared ? this.#get(id) : undefined, // another process may cancel it
          open.value.ids === undefined && this.#acceptPage(record, open),
        ]);
        record = moved;
        if (running.isCancelled || now?.value.state === "cancelled") break;
      } while (record.state !== "done" && clock.monotonic() < until);
    } catch (thrown) {
      if (!(thrown instanceof ServiceError) || !thrown.retryAfterSeconds) throw thrown;
      pauseMs = thrown.retryAfterSeconds * 1000;
    } finally {
      this.#running.delete(id);
    }
    if (record === entry.value) return { record, pauseMs };
    const expireInMs = record.state === "done" ? { expireInMs: retentionMs() } : {};
    const isStored = await store.commit({
      checks: [entry],
      sets: [{ key: entry.key, value: record, ...expireInMs }],
    });
    return { record: isStored ? record : undefined, pauseMs };
  }

  async #goOn<T extends { readonly id: string }>(job: T): Promise<JobResult<T>> {
    const done = await this.#recall(job.id, RUN_MS);
    return done ? { done } : { done, job, atMs: this.#options.clock.now() + FULL_PAUSE_MS };
  }

  /** Cancels page after page for some time; whether all are done. */
  async #recall(id: string, ms: number): Promise<boolean> {
    const { clock } = this.#options;
    const until = clock.monotonic() + ms;
    do {
      const entry = await this.#get(id);
      const step = entry ? await recallPage(entry, this.#options) : "done";
      if (step !== "next") return step === "done";
    } while (clock.monotonic() < until);
    return false;
  }

  async #statesOf(
    { template: { id }, cancelled = 0 }: FanoutRecord,
  ): Promise<Readonly<Record<string, number>>> {
    const states = await this.#options.counts.of(id);
    if (cancelled === 0) return states;
    return { ...states, cancelled: cancelled + (states["cancelled"] ?? 0) };
  }

  #get(id: string): Promise<StoreEntry<FanoutRecord> | undefined> {
    return this.#options.store.get<FanoutRecord>(recordKey(id));
  }
}
