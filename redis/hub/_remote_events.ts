/**
 * Sends events to other nodes, in few messages: what arrives while a message to a node is under way
 * goes into the next one. The events of a user keep their order.
 */

import { Batcher } from "../../core/batcher.ts";
import type { LoggedEvent } from "../../core/events.ts";
import { LruCache } from "../../core/lru_cache.ts";
import type { NodeChannel } from "../nodes/node_channel.ts";
import { formatEvents } from "./_event_codec.ts";

type EventGroup = readonly LoggedEvent[];

/** Events in one message, unless a group has more. */
const MAX_EVENTS = 256;
const MAX_NODES = 1_000;

/** Sends events to other nodes. */
export class RemoteEvents {
  readonly #channel: Pick<NodeChannel, "send">;
  readonly #senders = new LruCache<Batcher<EventGroup>>(MAX_NODES);

  constructor(channel: Pick<NodeChannel, "send">) {
    this.#channel = channel;
  }

  /**
   * Resolves when a node's channel has the events.
   *
   * @throws {ServiceError} `store_unavailable`; they may have arrived all the same
   */
  send(node: string, events: EventGroup): Promise<void> {
    let sender = this.#senders.get(node);
    if (!sender) {
      sender = new Batcher<EventGroup>({
        batchSize: groupsAtOnce,
        run: (groups) => this.#channel.send(node, "events", formatEvents(groups.flat())),
      });
      this.#senders.set(node, sender);
    }
    return sender.add(events);
  }
}

function groupsAtOnce(groups: readonly EventGroup[]): number {
  let events = 0;
  const end = groups.findIndex(({ length }) => (events += length) > MAX_EVENTS);
  return end === -1 ? groups.length : Math.max(1, end);
}
