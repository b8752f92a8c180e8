/** A span for each traced notification from its hand-over until its first attempts have begun. */

import type { Handover } from "../buffer/mod.ts";
import type { Clock } from "../core/clock.ts";
import { messageOf } from "../core/errors.ts";
import type { Notification } from "../core/notification.ts";
import type { Span, Tracer } from "../core/tracing.ts";

type Dispatch = (batch: readonly Notification[], handover: Handover) => Promise<void>;

/** Wraps a dispatch; a batch without traced notifications passes as it is. */
export function traceDispatch(
  dispatch: Dispatch,
  { tracer, clock }: { readonly tracer: Tracer; readonly clock: Clock },
): Dispatch {
  return async (batch, handover) => {
    const spans: Span[] = [];
    for (const { id, topic, acceptedAt, traceparent } of batch) {
      if (traceparent === undefined) continue;
      const span = tracer.start("carillon.dispatch", {
        kind: "consumer",
        parent: traceparent,
        attributes: {
          "messaging.message.id": id,
          "messaging.destination.name": topic,
          "carillon.waited_ms": clock.now() - acceptedAt,
          "carillon.is_repeat": handover.isRepeat,
        },
      });
      if (span) spans.push(span);
    }
    try {
      await dispatch(batch, handover);
    } catch (thrown) {
      for (const span of spans) span.end(messageOf(thrown, 200));
      throw thrown;
    }
    for (const span of spans) span.end();
  };
}
