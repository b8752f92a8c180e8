/**
 * The port to a tracer. Where nothing is exported there is none (`undefined`), so that nobody pays
 * for it: a notification without a trace context is never traced, and only a tracer gives it one.
 */

/** What is said of a span. */
export type SpanAttributes = Readonly<Record<string, string | number | boolean>>;

/** One step on a notification's way. */
export interface Span {
  /** W3C trace context of this span, for the next service: `00-<trace>-<span>-<flags>`. */
  readonly traceparent: string;
  set(attributes: SpanAttributes): void;
  /** Runs something as part of this span, so that what the runtime traces itself belongs to it. */
  run<T>(action: () => T): T;
  /** Ends it; with a reason where it failed. */
  end(failure?: string): void;
}

/** Role of a span, as OpenTelemetry has it. */
export type SpanKind = "producer" | "consumer" | "client" | "internal";

/** How a span begins. */
export interface SpanOptions {
  readonly kind: SpanKind;
  /** Trace context of the span that it belongs to, as a notification keeps it. */
  readonly parent?: string;
  /**
   * Trace context of a request, as its header has it. The runtime's own span of the request is
   * nearer where there is one; a header that is malformed or absent begins a trace.
   */
  readonly incoming?: string | undefined;
  readonly attributes?: SpanAttributes;
}

/** Makes spans. */
export interface Tracer {
  /** `undefined` where the publisher, or the sampler, wants no trace. */
  start(name: string, options: SpanOptions): Span | undefined;
}

const TRACEPARENT = /^00-(?!0{32})([0-9a-f]{32})-(?!0{16})([0-9a-f]{16})-([0-9a-f]{2})$/;

/** A trace context taken apart, or nothing where the text is none (W3C Trace Context, §3.2). */
export function parseTraceparent(
  text: string,
): { readonly traceId: string; readonly spanId: string; readonly flags: number } | undefined {
  const [, traceId, spanId, flags] = TRACEPARENT.exec(text) ?? [];
  if (traceId === undefined) return undefined;
  return { traceId, spanId: spanId!, flags: parseInt(flags!, 16) };
}

/** What a log line says of a notification's trace: nothing where it has none. */
export function traceFields(
  { traceparent }: { readonly traceparent?: string | undefined },
): { readonly trace?: string } {
  return traceparent === undefined ? {} : { trace: traceparent.slice(3, 35) };
}
