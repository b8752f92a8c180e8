/**
 * Starts the service in stages and stops it in the opposite order. Each stage is a function that
 * returns what later stages need; nothing refers to a stage that comes after it. The stages contain
 * no rule of the service: they create its parts and connect them.
 */

import { idTag } from "../core/ids.ts";
import { pathOf } from "../core/path_filter.ts";
import { ConsoleSessions, createConsole, Issuer, LiveFeed, Tickets } from "../console/mod.ts";
import { loadReceiptTokens } from "../delivery/mod.ts";
import { type AppDeps, createApp, createInternalApp } from "../routes/mod.ts";
import { type Authentication, createAdmission, loadAuthentication } from "./authentication.ts";
import {
  createDelivery,
  createSubscriptions,
  type Delivery,
  type SubscriptionParts,
} from "./delivery.ts";
import type { Environment } from "./environment.ts";
import {
  type Foundation,
  joinBackend,
  type JoinedParts,
  openFoundation,
  type StartOptions,
} from "./foundation.ts";
import { addressText } from "./http_listener.ts";
import { createNodeFacts, createNodeReports } from "./node_reports.ts";
import { createReadiness, type LogRecovery, updateGauges, watchRecovery } from "./monitoring.ts";
import { createOpenXchange, type OpenXchange } from "./open_xchange.ts";
import { createShutdown, type Shutdown } from "./shutdown.ts";
import { createSockets, type Sockets } from "./sockets.ts";
import { traceSockets } from "./tracing.ts";

/** A running node. */
export interface Service {
  readonly address: Deno.NetAddr;
  /** The first admin key, where this start created one. */
  readonly firstKey: string | undefined;
  /** Closes expired sockets and removes expired subscriptions; to be called once a minute. */
  runMaintenance(): Promise<void>;
  /** Reads the configuration again. */
  reload(): Promise<void>;
  /** Drains the node and stops it, as SIGTERM asks for. A single node stops at once. */
  drain(): Promise<void>;
  /** Milliseconds after which a drain that has not ended should be cut short by {@link stop}. */
  readonly drainsWithinMs: number;
  /** Processes what is due, keeps the rest, closes everything. */
  stop(): Promise<void>;
  /** Resolves when the node has stopped, whether a caller or an operator asked for it. */
  readonly left: Promise<void>;
}

/** How long a drain may take after the last socket is closed. */
const DRAIN_SLACK_MS = 10_000;
/** The most sweeps for expired subscriptions in one maintenance run; the next run continues. */
const MAX_SWEEPS = 20;

/**
 * Starts a node. If a stage fails, everything that was opened before it is closed.
 *
 * @throws {ServiceError} `invalid_configuration`, `store_unavailable`; the message says what to fix
 */
export async function startService(
  environment: Environment,
  options: StartOptions,
): Promise<Service> {
  const opened = new AsyncDisposableStack();
  try {
    const foundation = await openFoundation(environment, { ...options, opened });
    const parts = await joinBackend(foundation);
    const openXchange = createOpenXchange(foundation);
    const authentication = await loadAuthentication(foundation, openXchange.sessions);
    const subscriptions = createSubscriptions(foundation, { ...parts, ...authentication });
    const receiptTokens = await loadReceiptTokens(foundation.backend.store);
    const delivery = createDelivery(foundation, { ...parts, ...subscriptions, receiptTokens });
    const sockets = createSockets(foundation, {
      ...{ ...parts, ...subscriptions, ...delivery, sessions: authentication.sessions },
      admit: createAdmission({ ...foundation, ...authentication }),
    });
    opened.use(openXchange.watch(sockets.realtime));
    const stages = {
      ...{ ...parts, ...authentication, ...subscriptions, ...delivery, ...sockets, openXchange },
    };
    const recovery = await startWork(foundation, stages);
    const shutdown = shutdownOf(foundation, stages);
    const firstKey = await serveHttp(foundation, { ...stages, recovery, shutdown });
    return serviceOf(foundation, { ...stages, shutdown, firstKey });
  } catch (thrown) {
    // The first error is the one to report, even if closing fails as well.
    await opened.disposeAsync().catch(() => {});
    throw thrown;
  }
}

type Stages = JoinedParts & Authentication & SubscriptionParts & Delivery & Sockets & {
  readonly openXchange: OpenXchange;
};

/** Applies the configuration, now and after each reload, and starts hub and pipeline. */
async function startWork(
  { cascade, opened, clock, log, metrics, tracer }: Foundation,
  { hub, clients, realtime, registry, pipeline, messages }: Stages,
): Promise<LogRecovery> {
  const configureTransports = () =>
    registry.configure((transport) => pipeline.queues.reset(transport));
  cascade.onSwap(() => {
    clients.reload();
    realtime.configure(clients.settings());
    messages.reload();
    void configureTransports();
  });
  await configureTransports();
  await hub.start(tracer ? traceSockets(realtime, tracer) : realtime);
  const { recovered } = await pipeline.start();
  opened.use(pipeline);
  const recovery = watchRecovery(recovered, { clock, log, metrics });
  await recovery.firstSecond;
  return recovery;
}

function shutdownOf(
  { listener, internalListener, streamListener, cascade, opened, clock, log }: Foundation,
  { realtime, bodyDeadline, pipeline }: Stages,
): Shutdown {
  return createShutdown({
    ...{ realtime, clock, log, settings: () => cascade.current().settings.drain },
    async closeListeners() {
      bodyDeadline.listenersClose();
      const all = [listener, internalListener, streamListener];
      await Promise.all(all.map((each) => each?.[Symbol.asyncDispose]()));
    },
    async stop() {
      bodyDeadline.listenersClose();
      await pipeline.stop(); // while sockets are open, so that they still receive what is due
      await realtime.close();
      await opened.disposeAsync();
    },
  });
}

/** Opens the listeners for requests. Returns the first admin key, if this start creates one. */
async function serveHttp(
  foundation: Foundation,
  stages: Stages & { readonly recovery: LogRecovery; readonly shutdown: Shutdown },
): Promise<string | undefined> {
  const { backend, cascade, listener, internalListener, streamListener } = foundation;
  const { clock, log, metrics } = foundation;
  const { hub, buffer, keys, pipeline, realtime, recovery, shutdown, openXchange } = stages;
  const { transports, webPushKey } = stages.registry;
  const ready = createReadiness({
    ...{ backend, transports, clock, isShuttingDown: () => shutdown.hasBegun },
    recoveryChecks: () => [...recovery.checks(), ...openXchange.checks()],
  });
  const appDeps: AppDeps = {
    ...{ ...foundation, ...stages, transports, webPushKey },
    publish: pipeline.publish,
    webhooks: openXchange.receiver(pipeline.publish),
    ...(openXchange.middleware.isConfigured && {
      subscribeThere: (question) => openXchange.middleware.subscription(question),
    }),
    letters: pipeline.letters,
    replay: pipeline.replay,
    testSend: stages.testSend,
    explain: stages.explain,
    snapshot: () => cascade.current(),
    reload: () => cascade.reload(),
    node: createNodeFacts({
      ...{ store: backend.store, clock },
      pingIntervalMs: cascade.current().settings.realtime.pingInterval,
    }),
    previewReload: () => cascade.preview(),
    ready,
    presence: async (user) => (await hub.presence([user]))[0] ?? [],
    reports: createNodeReports({
      ...{ ...foundation, buffer, pipeline, realtime, transports, ready },
      ...{ store: backend.store, hasOthers: backend.hasOthers, feed: stages.changes },
      node: idTag(foundation.ids()),
      address: addressText(listener.address),
    }),
    drain: () => void shutdown.begin({ notice: true }),
    hasInternalListener: internalListener !== undefined,
  };
  const tickets = new Tickets();
  const apiDeps = { ...appDeps, authenticate: tickets.accept(stages.authenticate) };
  const app = createApp(apiDeps);
  const internalApp = internalListener && createInternalApp(apiDeps);
  const consoleSettings = () => cascade.current().settings.consoleOidc;
  const console = createConsole({
    ...{ tickets, log, authenticate: stages.authenticate, grants: consoleSettings },
    issuer: new Issuer({ settings: consoleSettings, fetch, clock }),
    api: (request) =>
      internalApp && pathOf(request.url).startsWith("/v1/admin/")
        ? internalApp(request)
        : app(request),
    sessions: new ConsoleSessions({
      ...{ store: backend.store, clock },
      principalOfKey: (id) => keys.principal(id),
      trustsIssuer: (issuer) => issuer === consoleSettings().issuer,
    }),
    live: foundation.opened.use(new LiveFeed({ reports: appDeps.reports, clock })),
    socketClients: () => stages.clients.list(),
  });
  updateGauges({ metrics, buffer, realtime, pipeline, transports, clock });

  // After everything that can fail: a key of a start that fails would never be shown to anybody.
  const firstKey = await keys.ensureAdminKey();
  listener.open((request, info) => {
    // Sockets have their own CORS, limits and errors; those of the API would break a long poll.
    const path = pathOf(request.url);
    if (realtime.handles(path)) return realtime.fetch(request, info);
    return !internalApp && isConsolePath(path) ? console(request) : app(request);
  });
  internalListener?.open((request, info) => {
    const path = pathOf(request.url);
    // The inbox of the console opens sockets at its own address.
    if (realtime.handles(path)) return realtime.fetch(request, info);
    return isConsolePath(path) ? console(request) : internalApp!(request);
  });
  streamListener?.open(realtime);
  log.info("listening", {
    address: addressText(listener.address),
    ...(internalListener && { internal: addressText(internalListener.address) }),
    ...(streamListener && { streams: addressText(streamListener.address) }),
  });
  return firstKey;
}

function isConsolePath(path: string): boolean {
  return path === "/console" || path.startsWith("/console/");
}

function serviceOf(
  { backend, cascade, clock, listener }: Foundation,
  { realtime, repository, shutdown, firstKey }: Stages & {
    readonly shutdown: Shutdown;
    readonly firstKey: string | undefined;
  },
): Service {
  return {
    ...{ address: listener.address, firstKey },
    async runMaintenance() {
      realtime.closeExpired();
      for (let sweep = 0; sweep < MAX_SWEEPS; sweep++) {
        if (await repository.sweepExpired(clock.now()) === 0) break;
      }
    },
    async reload() {
      await cascade.reload();
    },
    get drainsWithinMs() {
      const { withinMs, noticeMs } = cascade.current().settings.drain;
      return Math.max(withinMs, noticeMs) + DRAIN_SLACK_MS;
    },
    // A single node stops at once: its clients have no other node to reconnect to.
    drain: () => backend.hasOthers ? shutdown.begin({ notice: true }) : shutdown.stop(),
    stop: () => shutdown.stop(),
    left: shutdown.done,
  };
}
