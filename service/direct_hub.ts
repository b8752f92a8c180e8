/** Sockets of this process alone, without a log: stands in until the event log is there. */

import type { EventHub } from "../core/events.ts";
import type { Realtime } from "../realtime/mod.ts";

const NONE: ReadonlySet<string> = new Set();

export function createDirectHub(
  realtime: Realtime,
): Pick<EventHub, "presence" | "publish"> {
  return {
    presence: (users) =>
      users.map(({ context, user }) =>
        realtime.clientsOf(context, user).map((client) => ({
          ...{ client, id: "", socketId: "", open: true },
        }))
      ),
    publish(events) {
      for (const { context, user, clients, args, except } of events) {
        const [name, ...rest] = JSON.parse(`[${args}]`);
        for (const client of clients) {
          realtime.emit({ context, user, client }, name, rest, except);
        }
      }
      return Promise.resolve(NONE);
    },
  };
}
