/**
 * Starts the service: backend → configuration → port → credentials → parts → sockets → transports
 * → delivery → HTTP, and stops it in the opposite order. Everything is made here and handed in; no
 * rule of the service is.
 */

import { Attributes, createDenoConfigFiles, startCascade } from "../cascade/mod.ts";
import { BodyDeadline } from "../core/body_deadline.ts";
import type { Change, ChangeFeed } from "../core/change_feed.ts";
import type { Clock } from "../core/clock.ts";
import { createIdSource } from "../core/ids.ts";
import { createLog } from "../core/log.ts";
import { createMetrics } from "../core/metrics.ts";
import { pathOf } from "../core/path_filter.ts";
import type { YieldToEventLoop } from "../core/event_loop.ts";
import {
  clientsOf,
  type CommitChanges,
  createPipeline,
  loadReceiptTokens,
} from "../delivery/mod.ts";
import { createRealtime } from "../realtime/mod.ts";
import { type AppDeps, createApp, createInternalApp } from "../routes/mod.ts";
import { GroupCommit } from "../store/mod.ts";
import { CandidateCache, createMatcher, SubscriptionRepository } from "../subscriptions/mod.ts";
import { createAdmission } from "./admission.ts";
import type { Backend } from "./backend.ts";
import { followChanges } from "./changes.ts";
import { loadCredentials } from "./credentials.ts";
import { listen, listenInternal } from "./http_listener.ts";
import type { Environment } from "./environment.ts";
import { watchGauges } from "./gauges.ts";
import { createShutdown } from "./shutdown.ts";
import { createMessages } from "./messages.ts";
import { openBackend } from "./open_backend.ts";
import { watchReadBack } from "./read_back.ts";
import { createReadiness } from "./readiness.ts";
import { realtimeSettings, SocketClients } from "./socket_clients.ts";
import { socketHooks } from "./socket_hooks.ts";
import { subscriptionsOf } from "./subscriptions.ts";
import { createTestSend } from "./test_send.ts";
import { chooseHttpEngine } from "./http_engine.ts";
import { createTransportRegistry } from "./transport_registry.ts";

/** What a node is started with besides its environment. */
export interface StartOptions {
  readonly clock: Clock;
  readonly random: () => number;
  /** Lets I/O have its turn. */
  readonly yieldToEventLoop: YieldToEventLoop;
  /** All environment variables; some of them override properties. */
  readonly variables: Readonly<Record<string, string>>;
  /** Takes log lines, each with its newline. */
  readonly writeLog: (line: string) => void;
  /** Used instead of what the environment names, e.g. where several share a handle. */
  readonly backend?: Backend;
}

/** A running node. */
export interface Service {
  /** Where it listens. */
  readonly address: Deno.NetAddr;
  /** The first admin key, where this start made one. */
  readonly firstKey: string | undefined;
  /** What is to be done once a minute. */
  runMaintenance(): Promise<void>;
  /** Reads the configuration anew. */
  reload(): Promise<void>;
  /** Goes away so that clients and publishers hardly notice: what SIGTERM asks for. */
  drain(): Promise<void>;
  /** Milliseconds after which leaving that has not ended is to be cut short by a stop. */
  readonly drainsWithinMs: number;
  /** Hands over what is due, keeps the rest, closes everything. */
  stop(): Promise<void>;
  /** Resolves when it has gone, be it that it was stopped or that an operator had it leave. */
  readonly left: Promise<void>;
}

/** For what comes after the sockets are closed. */
const LEAVING_SLACK_MS = 10_000;

/** @throws {ServiceError} `invalid_configuration`, `store_unavailable`, with what to mend. */
export async function startService(
  environment: Environment,
  options: StartOptions,
): Promise<Service> {
  const { clock, random, yieldToEventLoop, variables } = options;
  const now = () => clock.now();
  const ids = createIdSource(clock);
  const metrics = createMetrics();
  const bootLog = createLog({ write: options.writeLog, now });
  // Everything that was opened is closed in the opposite order, also where a start fails half-way.
  await using opened = new AsyncDisposableStack();

  const backend = opened.use(
    options.backend ?? await openBackend(environment.store, { clock, random, log: bootLog }),
  );
  const { store } = backend;
  // The feed needs settings, and what it is told of is read before these.
  const feed: { current?: ChangeFeed } = {};
  const changed = (change: Change) => feed.current?.publish(change);
  const attributes = new Attributes({ store, onChanged: changed });
  const cascade = opened.use(
    await startCascade({
      ...{ attributes, clock, metrics, environment: variables, log: bootLog },
      files: createDenoConfigFiles(environment.configDir),
    }),
  );
  const settings = () => cascade.current().settings;
  const log = createLog({ write: options.writeLog, now, level: settings().log.level });

  const door = opened.use(listen({ ...environment, log }));
  const internalDoor = opened.use(listenInternal(settings().internal, log));

  const group = new GroupCommit(store, { clock, yieldToEventLoop });
  const commit: CommitChanges = (commit) => group.commit(commit);
  const parts = opened.use(
    await backend.join({ settings, clock, random, yieldToEventLoop, ids, log, metrics, commit }),
  );
  const { buffer, hub, limiter, tokens, changes } = parts;
  feed.current = changes;

  const { keys, sessions, authenticate } = await loadCredentials(store, {
    ...{ clock, environment, fetch, onChanged: changed },
    settings: settings(),
  });

  const bodyDeadline = opened.use(
    new BodyDeadline({ clock, bodyTimeoutMs: () => settings().http.bodyTimeoutMs }),
  );
  const socketClients = new SocketClients({ cascade, log });
  const realtime = opened.use(createRealtime({
    ...{ clock, random, log, hub, bodyDeadline, hasOtherNodes: backend.hasOthers },
    settings: realtimeSettings(settings(), socketClients.all()),
    authenticate: createAdmission({ authenticate, cascade }),
    hooks: socketHooks(metrics, {
      onRecovered: (event, client) => pipeline.acknowledge(event, client),
      onAcknowledged: (event, client, kind) => pipeline.reports.fromSocket(event, client, kind),
    }),
  }));
  sessions.onRevoked((id) => void realtime.closeSession(id));

  const candidates = new CandidateCache(store);
  const repository = new SubscriptionRepository({
    ...{ store, candidates, clock, random, newId: ids, onChanged: changed },
    maxPerUser: settings().subscriptions.maxPerUser,
  });
  if (backend.hasOthers) {
    const caches = { attributes, candidates, keys, sessions };
    opened.use(followChanges(changes, caches, { clock, random, log }));
  }
  const matcher = createMatcher({
    ...{ candidates, clock },
    interests: (client) => socketClients.interests(client),
  });

  const waysOut = opened.use(createTransportRegistry({
    ...{ hub, cascade, configDir: environment.configDir, clock, log },
    engine: chooseHttpEngine({ ...settings().http, variables, clock, log }),
    ...(tokens && { sharedTokens: tokens }),
    onConfigured: (transport) => pipeline.queues.reset(transport),
  }));
  const { transports, webPushKey } = waysOut;
  const messages = createMessages({ cascade, log });
  const pipeline = createPipeline({
    ...{
      buffer,
      store,
      clock,
      ids,
      random,
      yieldToEventLoop,
      log,
      metrics,
      fetch,
      settings,
      transports,
    },
    ...{ sockets: hub, limiter, commit, receiptTokens: await loadReceiptTokens(store) },
    subscriptions: subscriptionsOf(repository, matcher),
    configuration: () => cascade.current(),
    generate: messages.generate,
  });

  cascade.onSwap(() => {
    realtime.configure(realtimeSettings(settings(), socketClients.reload()));
    messages.reload();
    void waysOut.configure();
  });
  await waysOut.configure();
  await hub.start(realtime);
  const { recovered } = await pipeline.start();
  opened.use(pipeline);
  const readBack = watchReadBack(recovered, { clock, log, metrics });
  await readBack.atOnce;

  const leaving = createShutdown({
    ...{ realtime, clock, log, settings: () => settings().drain },
    async closeListener() {
      await Promise.all([door, internalDoor].map((each) => each?.[Symbol.asyncDispose]()));
    },
    async stop() {
      await pipeline.stop(); // while sockets are open, so that what is due still reaches them
      await realtime.close();
      await life.disposeAsync();
    },
  });
  const appDeps: AppDeps = {
    ...{ authenticate, keys, sessions, attributes, repository, transports, clock },
    ...{ log, metrics, webPushKey, bodyDeadline },
    publish: pipeline.publish,
    find: (id) => pipeline.find(id),
    takeBack: pipeline.takeBack,
    reports: pipeline.reports,
    letters: pipeline.letters,
    replay: pipeline.replay,
    tryOut: createTestSend({ transports, ids, clock, generate: messages.generate }),
    snapshot: () => cascade.current(),
    async match(notification) {
      const [present = []] = await hub.presence([notification]);
      return await matcher.match(notification, clientsOf(present));
    },
    serves: pipeline.serves,
    reload: () => cascade.reload(),
    ready: createReadiness({
      ...{ backend, transports, clock, shutdown: () => leaving.hasBegun },
      readBack: () => readBack.checks(),
    }),
    drain: () => void leaving.begin({ notice: true }),
    isOperatedInside: internalDoor !== undefined,
  };
  const app = createApp(appDeps);
  watchGauges({ metrics, buffer, realtime, pipeline, transports, clock });

  // Last, so that a start that fails does not make a key that nobody is told.
  const firstKey = await keys.ensureAdminKey();
  door.open((request, info) => {
    // Sockets have their own CORS, limits and errors, and a long poll must not meet the API's.
    const path = pathOf(request.url);
    return realtime.handles(path) ? realtime.fetch(request, info) : app(request);
  });
  internalDoor?.open(createInternalApp(appDeps));
  const { address } = door;
  log.info("listening", {
    address: textOf(address),
    ...(internalDoor && { internal: textOf(internalDoor.address) }),
  });

  const life = opened.move();
  return {
    address,
    firstKey,
    async runMaintenance() {
      realtime.closeExpired();
      // Each sweep takes so many; what is left after some of them waits a minute.
      for (let sweep = 0; sweep < 20; sweep++) {
        if (await repository.sweepExpired(clock.now()) === 0) break;
      }
    },
    async reload() {
      await cascade.reload();
    },
    // Without others, whoever is sent away finds nobody: then it is over quickly.
    get drainsWithinMs() {
      const { withinMs, noticeMs } = settings().drain;
      return Math.max(withinMs, noticeMs) + LEAVING_SLACK_MS;
    },
    drain: () => backend.hasOthers ? leaving.begin({ notice: true }) : leaving.stop(),
    stop: () => leaving.stop(),
    left: leaving.done,
  };
}

function textOf({ hostname, port }: Deno.NetAddr): string {
  return `${hostname}:${port}`;
}
