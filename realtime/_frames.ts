/**
 * Events as they go out: an Engine.IO message with a Socket.IO event in the main namespace. Newer
 * clients send back the last argument of the last event, where it is a text, when they return; so
 * theirs all end with an offset. Older ones get the original's payload to the letter.
 */

import { formatOffset, type UserEvent } from "../core/events.ts";

/** The frame of an event for a revision of Engine.IO. */
export function frameOf(
  { args, offset, ack }: {
    readonly args: string;
    readonly offset: number;
    /** Asks the client to acknowledge it: the packet gets its offset as id. */
    readonly ack?: true;
  },
  revision: 3 | 4,
): string {
  const type = ack ? `42${offset}` : "42";
  return revision === 3 ? `${type}[${args}]` : `${type}[${args},"${formatOffset(offset)}"]`;
}

/** Whether a socket is to be told of an event. */
export function isMeantFor(
  { client, id, socketId }: {
    readonly client: string;
    readonly id: string;
    readonly socketId: string;
  },
  { clients, except }: UserEvent,
): boolean {
  if (!clients.includes(client)) return false;
  return except === undefined || (except !== id && except !== socketId);
}
