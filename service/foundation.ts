/**
 * The first stages of a start: the backend, the configuration, the listeners, and the parts that
 * depend on whether the node has others beside it. All later stages use them.
 */

import { Attributes, type Cascade, createDenoConfigFiles, startCascade } from "../cascade/mod.ts";
import type { YieldToEventLoop } from "../core/event_loop.ts";
import { createIdSource, type IdSource } from "../core/ids.ts";
import { createLog, type Log } from "../core/log.ts";
import { createMetrics, type Metrics } from "../core/metrics.ts";
import type { SystemDeps } from "../core/system_deps.ts";
import type { CommitChanges } from "../delivery/mod.ts";
import { isRedisAddress } from "../redis/mod.ts";
import { GroupCommit, openStore } from "../store/mod.ts";
import type { Backend, Parts } from "./backend.ts";
import { ChangeRelay } from "./changes.ts";
import { createEmbeddedBackend } from "./embedded_backend.ts";
import type { Environment } from "./environment.ts";
import { type HttpListener, listen, listenInternal } from "./http_listener.ts";
import { listenForStreams, type StreamListener } from "./stream_listener.ts";
import { openRedisBackend } from "./redis_backend.ts";
import type { Tracer } from "../core/tracing.ts";
import { createTracer } from "./tracing.ts";

/** What a node is started with besides its environment. */
export interface StartOptions extends Pick<SystemDeps, "clock" | "random"> {
  readonly yieldToEventLoop: YieldToEventLoop;
  /** All environment variables; some of them override properties. */
  readonly variables: Readonly<Record<string, string>>;
  /** Takes log lines, each with its newline. */
  readonly writeLog: (line: string) => void;
  /** Replaces the store that the environment names, e.g. where several nodes share a handle. */
  readonly backend?: Backend;
}

/** What every stage uses: the store, the configuration, the listeners and the tools. */
export interface Foundation extends Omit<StartOptions, "backend"> {
  readonly environment: Environment;
  /** Closes what was put on it, last first. */
  readonly opened: AsyncDisposableStack;
  readonly backend: Backend;
  readonly changes: ChangeRelay;
  readonly attributes: Attributes;
  readonly cascade: Cascade;
  readonly listener: HttpListener;
  readonly internalListener: HttpListener | undefined;
  readonly streamListener: StreamListener | undefined;
  readonly ids: IdSource;
  readonly metrics: Metrics;
  /** Absent where nothing is traced. */
  readonly tracer: Tracer | undefined;
  readonly log: Log;
}

/** Opens the backend, reads the configuration and takes the ports, in this order. */
export async function openFoundation(
  environment: Environment,
  { backend: given, ...options }: StartOptions & { readonly opened: AsyncDisposableStack },
): Promise<Foundation> {
  const { opened, clock, variables, writeLog } = options;
  const now = () => clock.now();
  const metrics = createMetrics();
  const bootLog = createLog({ write: writeLog, now });
  const backend = opened.use(
    given ?? await openBackend(environment.store, { ...options, log: bootLog }),
  );
  const changes = new ChangeRelay();
  const attributes = new Attributes({ store: backend.store, onChanged: changes.publish });
  const cascade = opened.use(
    await startCascade({
      ...{ attributes, clock, metrics, environment: variables, log: bootLog },
      files: createDenoConfigFiles(environment.configDir),
    }),
  );
  const { settings } = cascade.current();
  const log = createLog({ write: writeLog, now, level: settings.log.level });
  const listener = opened.use(listen({ ...environment, log }));
  const internalListener = opened.use(listenInternal(settings.internal, log));
  const { port } = settings.streams;
  const streamListener = port === 0
    ? undefined
    : opened.use(await listenForStreams({ host: environment.host, port, log }));
  const ids = createIdSource(clock);
  return {
    ...{ ...options, environment, backend, changes, attributes, cascade },
    ...{ listener, internalListener, streamListener, ids, metrics, log },
    tracer: createTracer(variables, { log }),
  };
}

async function openBackend(
  address: string,
  options: Parameters<typeof openRedisBackend>[1],
): Promise<Backend> {
  if (isRedisAddress(address)) return await openRedisBackend(address, options);
  const store = await openStore(address, {
    ...options,
    onDamage: ({ file, message }) =>
      options.log.warn("the data file is damaged", { file, reason: message }),
  });
  return createEmbeddedBackend(store);
}

/** The parts of the backend, with the function that commits changes in groups. */
export interface JoinedParts extends Parts {
  readonly commit: CommitChanges;
}

/** Joins the other nodes, where there are any, and builds the parts of the backend. */
export async function joinBackend(foundation: Foundation): Promise<JoinedParts> {
  const { backend, cascade, changes, opened } = foundation;
  const group = new GroupCommit(backend.store, foundation);
  const commit: CommitChanges = (commit) => group.commit(commit);
  const settings = () => cascade.current().settings;
  const parts = opened.use(await backend.join({ ...foundation, settings, commit }));
  changes.connect(parts.changes);
  return { ...parts, commit };
}
