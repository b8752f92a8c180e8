/** A hub that does what a test says, to see what sockets make of it. */

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

/** What a hub rejects with while its servers are away. */
export function away(): ServiceError {
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

/** See the file's comment. */
export class ScriptedHub implements EventHub {
  local!: LocalSockets;
  /** Every offset that the log was asked from. */
  readonly asked: number[] = [];
  readonly left: { readonly id: string; readonly acknowledged: number | undefined }[] = [];
  /** Questions that have not been answered. */
  open = 0;
  mostOpen = 0;
  log: readonly LoggedEvent[] = [];
  joining: (seat: SocketPresence) => JoinResult | Promise<JoinResult> = () => ({ last: 0 });
  missing: (after: number) => MissedEvents | Promise<MissedEvents> = (after) => ({
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

  join(seat: SocketPresence) {
    return this.joining(seat);
  }

  leave({ id }: LocalSocket, acknowledged?: number): void {
    this.left.push({ id, acknowledged });
  }

  async readMissed(_user: UserName, after: number): Promise<MissedEvents> {
    this.asked.push(after);
    this.mostOpen = Math.max(this.mostOpen, ++this.open);
    try {
      return await this.missing(after);
    } finally {
      this.open--;
    }
  }

  stop(): Promise<void> {
    return Promise.resolve();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return Promise.resolve();
  }
}
