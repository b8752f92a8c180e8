/**
 * The tracer on the runtime's own OpenTelemetry (`OTEL_DENO=true`), which exports by OTLP to where
 * the `OTEL_EXPORTER_OTLP_…` variables say. Without the variable there is no tracer. A step that
 * fails is logged with the id of its trace, so that log and trace lead to each other.
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
import type { Log } from "../core/log.ts";
import { VERSION } from "../core/version.ts";
import {
  parseTraceparent,
  type Span,
  type SpanAttributes,
  type SpanKind,
  type SpanOptions,
  traceFields,
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
export function createTracer(
  variables: Readonly<Record<string, string>>,
  { log }: { readonly log: Log },
): Tracer | undefined {
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
      return span.isRecording() ? new OtelSpan(span, { name, above, attributes, log }) : undefined;
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

/** How a span was started. */
interface Started {
  readonly name: string;
  readonly above: Context;
  readonly attributes: SpanAttributes;
  readonly log: Log;
}

class OtelSpan implements Span {
  readonly traceparent: string;
  readonly #span: ApiSpan;
  readonly #context: Context;
  readonly #started: Started;
  #attributes: SpanAttributes;

  constructor(span: ApiSpan, started: Started) {
    const { traceId, spanId, traceFlags } = span.spanContext();
    this.traceparent = `00-${traceId}-${spanId}-${traceFlags.toString(16).padStart(2, "0")}`;
    this.#span = span;
    this.#context = trace.setSpan(started.above, span);
    this.#started = started;
    this.#attributes = started.attributes;
  }

  set(attributes: SpanAttributes): void {
    this.#span.setAttributes({ ...attributes });
    this.#attributes = { ...this.#attributes, ...attributes };
  }

  run<T>(action: () => T): T {
    return context.with(this.#context, action);
  }

  end(failure?: string): void {
    if (failure !== undefined) {
      this.#span.setStatus({ code: SpanStatusCode.ERROR, message: failure });
      const { name, log } = this.#started;
      const fields = { span: name, ...this.#attributes, reason: failure };
      log.info("a traced step failed", { ...traceFields(this), ...fields });
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
