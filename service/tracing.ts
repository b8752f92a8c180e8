/**
 * The tracer on the runtime's own OpenTelemetry (`OTEL_DENO=true`), which exports by OTLP to where
 * the `OTEL_EXPORTER_OTLP_…` variables say. Without the variable there is no tracer.
 */

import {
  type Context,
  context,
  ROOT_CONTEXT,
  type Span as ApiSpan,
  SpanKind as ApiSpanKind,
  SpanStatusCode,
  trace,
} from "@opentelemetry/api";
import type { LocalSockets } from "../core/events.ts";
import { VERSION } from "../core/version.ts";
import {
  parseTraceparent,
  type Span,
  type SpanAttributes,
  type SpanKind,
  type SpanOptions,
  type Tracer,
} from "../core/tracing.ts";

const KINDS: Readonly<Record<SpanKind, ApiSpanKind>> = {
  producer: ApiSpanKind.PRODUCER,
  consumer: ApiSpanKind.CONSUMER,
  client: ApiSpanKind.CLIENT,
  internal: ApiSpanKind.INTERNAL,
};
const SAMPLED = 1;

/** The tracer that the environment asks for; none where it asks for none. */
export function createTracer(variables: Readonly<Record<string, string>>): Tracer | undefined {
  if (!/^(?:1|true)$/i.test(variables.OTEL_DENO ?? "")) return undefined;
  const tracer = trace.getTracer("carillon", VERSION);
  return {
    start(name, { kind, parent, incoming, attributes = {} }) {
      const above = parent === undefined ? contextOfRequest(incoming) : contextOf(parent);
      if (above === undefined) return undefined;
      const span = tracer.startSpan(
        name,
        { kind: KINDS[kind], attributes: { ...attributes } },
        above,
      );
      return span.isRecording() ? new OtelSpan(span, above) : undefined;
    },
  };
}

/** Nothing where the publisher does not sample the trace. */
function contextOfRequest(header: SpanOptions["incoming"]): Context | undefined {
  const named = header === undefined ? undefined : parseTraceparent(header);
  if (header === undefined || named === undefined) return context.active();
  const active = trace.getSpanContext(context.active());
  return active?.traceId === named.traceId && (named.flags & SAMPLED) !== 0
    ? context.active()
    : contextOf(header);
}

function contextOf(parent: string): Context | undefined {
  const named = parseTraceparent(parent);
  if (named === undefined || (named.flags & SAMPLED) === 0) return undefined;
  const { traceId, spanId, flags } = named;
  return trace.setSpanContext(ROOT_CONTEXT, { traceId, spanId, traceFlags: flags, isRemote: true });
}

class OtelSpan implements Span {
  readonly traceparent: string;
  readonly #span: ApiSpan;
  readonly #context: Context;

  constructor(span: ApiSpan, above: Context) {
    const { traceId, spanId, traceFlags } = span.spanContext();
    this.traceparent = `00-${traceId}-${spanId}-${traceFlags.toString(16).padStart(2, "0")}`;
    this.#span = span;
    this.#context = trace.setSpan(above, span);
  }

  set(attributes: SpanAttributes): void {
    this.#span.setAttributes({ ...attributes });
  }

  run<T>(action: () => T): T {
    return context.with(this.#context, action);
  }

  end(failure?: string): void {
    if (failure !== undefined) {
      this.#span.setStatus({ code: SpanStatusCode.ERROR, message: failure });
    }
    this.#span.end();
  }
}

/**
 * Wraps the sockets of this node: each traced event that they are sent live has a span. What a
 * client reads from the log when it comes back is not traced: the trace has ended by then.
 */
export function traceSockets(
  sockets: LocalSockets & { stats(): { readonly delivered: number } },
  tracer: Tracer,
): LocalSockets {
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
