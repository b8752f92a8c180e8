/** A collector that keeps the spans it is sent by OTLP over HTTP, in JSON. */

/** A span as a test looks at it. */
export interface CollectedSpan {
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId: string;
  readonly name: string;
  readonly attributes: Readonly<Record<string, unknown>>;
  /** `service.instance.id` of the process that made it. */
  readonly instance: unknown;
  readonly error?: string;
}

/** A running collector. */
export interface Collector extends AsyncDisposable {
  readonly spans: readonly CollectedSpan[];
  /** What makes a process of the service export to it. */
  variables(instance: string): Readonly<Record<string, string>>;
}

interface Attribute {
  readonly key: string;
  readonly value: Readonly<Record<string, unknown>>;
}

interface Export {
  readonly resourceSpans?: readonly {
    readonly resource: { readonly attributes: readonly Attribute[] };
    readonly scopeSpans: readonly {
      readonly spans: readonly {
        readonly traceId: string;
        readonly spanId: string;
        readonly parentSpanId?: string;
        readonly name: string;
        readonly attributes?: readonly Attribute[];
        readonly status?: { readonly code?: number; readonly message?: string };
      }[];
    }[];
  }[];
}

/** Starts a collector on a free port. */
export function startCollector(): Collector {
  const spans: CollectedSpan[] = [];
  const server = Deno.serve(
    { port: 0, hostname: "127.0.0.1", onListen() {} },
    async (request) => {
      const text = await request.text();
      if (new URL(request.url).pathname === "/v1/traces") {
        take(
          JSON.parse(text),
        );
      }
      return Response.json({});
    },
  );
  function take({ resourceSpans = [] }: Export): void {
    for (const { resource, scopeSpans } of resourceSpans) {
      const instance = read(resource.attributes)["service.instance.id"];
      for (const span of scopeSpans.flatMap((scope) => scope.spans)) {
        const {
          traceId,
          spanId,
          parentSpanId = "",
          name,
          attributes = [],
          status,
        } = span;
        spans.push({
          ...{
            traceId,
            spanId,
            parentSpanId,
            name,
            instance,
            attributes: read(attributes),
          },
          ...status?.code === 2 && { error: status.message ?? "" },
        });
      }
    }
  }
  return {
    spans,
    variables: (instance) => ({
      OTEL_DENO: "true",
      OTEL_EXPORTER_OTLP_PROTOCOL: "http/json",
      OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${server.addr.port}`,
      OTEL_BSP_SCHEDULE_DELAY: "100",
      OTEL_SERVICE_NAME: "carillon",
      OTEL_RESOURCE_ATTRIBUTES: `service.instance.id=${instance}`,
    }),
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  };
}

function read(
  attributes: readonly Attribute[],
): Readonly<Record<string, unknown>> {
  return Object.fromEntries(
    attributes.map(({ key, value }) => [key, Object.values(value)[0]]),
  );
}
