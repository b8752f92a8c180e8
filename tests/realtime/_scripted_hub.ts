/** A hub whose answers a test decides. */

import { ServiceError } from "../../core/errors.ts";
import type {
  EventHub,
  JoinResult,
  LocalSocket,
  LocalSockets,
  LoggedEvent,
  MissedEvents,
  SocketPresence,
  UserName,
} from "../../core/events.ts";

/** User 7 of context 1. */
export const SEVEN: UserName = { context: "1", user: "7" };

/** The error of a hub whose servers are unavailable. */
export function unavailable(): ServiceError {
  return new ServiceError("store_unavailable", "Cannot reach Redis", { retryAfterSeconds: 1 });
}

/** Event number `n` of user 7, at offset `n`, after `n - 1`. */
export function event(n: number, fields: Partial<LoggedEvent> = {}): LoggedEvent {
  return {
    ...SEVEN,
    id: `${n}`,
    clients: ["open-xchange-appsuite"],
    args: `"x",${n}`,
    offset: n,
    previous: n - 1,
    ...fields,
  };
}

/** The hub under a test. `log` is what reads return unless `onRead` says otherwise. */
export class ScriptedHub implements EventHub {
  local!: LocalSockets;
  /** The offset of each read of the log. */
  readonly reads: number[] = [];
  readonly left: {
    readonly id: string;
    readonly acknowledged: number | undefined;
  }[] = [];
  /** Reads that are not answered yet. */
  openReads = 0;
  mostOpenReads = 0;
  log: readonly LoggedEvent[] = [];
  onJoin: (socket: SocketPresence) => JoinResult | Promise<JoinResult> = () => ({ last: 0 });
  onRead: (after: number) => MissedEvents | Promise<MissedEvents> = (
    after,
  ) => ({
    events: this.log.filter(({ offset }) => offset > after),
    complete: true,
  });

  start(local: LocalSockets): Promise<void> {
    this.local = local;
    return Promise.resolve();
  }

  presence() {
    return [];
  }

  publish(): Promise<ReadonlySet<string>> {
    return Promise.resolve(new Set<string>());
  }

  join(socket: SocketPresence) {
    return this.onJoin(socket);
  }

  leave({ id }: LocalSocket, acknowledged?: number): void {
    this.left.push({ id, acknowledged });
  }

  async readMissed(_user: UserName, after: number): Promise<MissedEvents> {
    this.reads.push(after);
    this.mostOpenReads = Math.max(this.mostOpenReads, ++this.openReads);
    try {
      return await this.onRead(after);
    } finally {
      this.openReads--;
    }
  }

  stop(): Promise<void> {
    return Promise.resolve();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return Promise.resolve();
  }
}
