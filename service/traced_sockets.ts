/** The sockets of this node with a span for each traced event that they are sent live. */

import type { LocalSockets } from "../core/events.ts";
import type { Tracer } from "../core/tracing.ts";

interface Counted {
  stats(): { readonly delivered: number };
}

/**
 * Wraps sockets. What a client reads from the log when it comes back is not traced: the trace has
 * ended by then.
 */
export function traceSockets(sockets: LocalSockets & Counted, tracer: Tracer): LocalSockets {
  return {
    deliver(event) {
      const span = event.traceparent === undefined
        ? undefined
        : tracer.start("carillon.sockets", { kind: "producer", parent: event.traceparent });
      if (span === undefined) return sockets.deliver(event);
      const before = sockets.stats().delivered;
      sockets.deliver(event);
      span.set({
        "messaging.message.id": event.id,
        "carillon.sockets": sockets.stats().delivered - before,
      });
      span.end();
    },
    sockets: () => sockets.sockets(),
    socketsOf: (user) => sockets.socketsOf(user),
    recover: (user) => sockets.recover(user),
  };
}
