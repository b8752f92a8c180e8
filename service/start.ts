/**
 * Starts the service: store → configuration → port → credentials → sockets → transports →
 * delivery → HTTP, and stops it in the opposite order. Everything is made here and handed in; no
 * rule of the service is.
 */

import { Attributes, createDenoConfigFiles, startCascade } from "../cascade/mod.ts";
import type { Clock } from "../core/clock.ts";
import { createIdSource } from "../core/ids.ts";
import { createLog } from "../core/log.ts";
import { createMetrics } from "../core/metrics.ts";
import { clientsOf, createPipeline } from "../delivery/mod.ts";
import { createRealtime } from "../realtime/mod.ts";
import { createApp } from "../routes/mod.ts";
import { GroupCommit, openStore } from "../store/mod.ts";
import { CandidateCache, createMatcher, SubscriptionRepository } from "../subscriptions/mod.ts";
import { createAdmission } from "./admission.ts";
import { loadCredentials } from "./credentials.ts";
import { createDirectHub } from "./direct_hub.ts";
import { takeDoor } from "./door.ts";
import { createEmbeddedBackend } from "./embedded_backend.ts";
import type { Environment } from "./environment.ts";
import { createBuffer } from "./log_buffer.ts";
import { createMessages } from "./messages.ts";
import { watchGauges } from "./gauges.ts";
import { createReadiness } from "./readiness.ts";
import { realtimeSettings, SocketClients } from "./socket_clients.ts";
import { subscriptionsOf } from "./subscriptions.ts";
import { createTryOut } from "./try_out.ts";
import { createWaysOut } from "./ways_out.ts";

/** What a node is started with besides its environment. */
export interface StartOptions {
  readonly clock: Clock;
  readonly random: () => number;
  /** Lets I/O have its turn. */
  readonly turn: () => Promise<void>;
  /** All environment variables; some of them override properties. */
  readonly variables: Readonly<Record<string, string>>;
  /** Takes log lines, each with its newline. */
  readonly writeLog: (line: string) => void;
}

/** A running node. */
export interface Service {
  /** Where it listens. */
  readonly address: Deno.NetAddr;
  /** The first admin key, where this start made one. */
  readonly firstKey: string | undefined;
  /** What is to be done once a minute. */
  houseKeep(): Promise<void>;
  /** Reads the configuration anew. */
  reload(): Promise<void>;
  /** Hands over what is due, keeps the rest, closes everything. */
  stop(): Promise<void>;
}

/** Sockets closed per second while draining. */
const DRAIN_PER_SECOND = 500;

/** @throws {ServiceError} `invalid_configuration`, `store_unavailable`, with what to mend. */
export async function startService(
  environment: Environment,
  options: StartOptions,
): Promise<Service> {
  const { clock, random, turn, variables } = options;
  const now = () => clock.now();
  const ids = createIdSource(clock);
  const metrics = createMetrics();
  // Everything that was opened is closed in the opposite order, also where a start fails half-way.
  await using opened = new AsyncDisposableStack();

  const store = opened.use(await openStore(environment.store, { clock, random }));
  const bootLog = createLog({ write: options.writeLog, now });
  const attributes = new Attributes({ store });
  const cascade = opened.use(
    await startCascade({
      ...{ attributes, clock, metrics, environment: variables, log: bootLog },
      files: createDenoConfigFiles(environment.configDir),
    }),
  );
  const settings = () => cascade.current().settings;
  const log = createLog({ write: options.writeLog, now, level: settings().log.level });

  const door = opened.use(takeDoor({ ...environment, log }));

  const { keys, sessions, authenticate } = await loadCredentials(store, {
    ...{ clock, environment, fetch, onChanged: () => {} },
    settings: settings(),
  });

  const socketClients = new SocketClients({ cascade, log });
  const realtime = opened.use(createRealtime({
    ...{ clock, random, log },
    settings: realtimeSettings(settings(), socketClients.all()),
    authenticate: createAdmission({ authenticate, cascade }),
    hooks: {
      onOpened: ({ client }) => metrics.count("carillon_sockets_opened_total", { client }),
      onClosed: ({ client }, reason) =>
        metrics.count("carillon_sockets_closed_total", { client, reason }),
      onRefused: (reason) => metrics.count("carillon_sockets_refused_total", { reason }),
    },
  }));
  sessions.onRevoked((id) => void realtime.closeSession(id));

  const candidates = new CandidateCache(store);
  const repository = new SubscriptionRepository({
    ...{ store, candidates, clock, random, newId: ids },
    maxPerUser: settings().subscriptions.maxPerUser,
  });
  const sockets = createDirectHub(realtime);
  const matcher = createMatcher({
    ...{ candidates, clock },
    interests: (client) => socketClients.interests(client),
  });

  const waysOut = opened.use(createWaysOut({
    ...{ hub: sockets, cascade, configDir: environment.configDir, clock, log },
    onConfigured: (transport) => pipeline.lanes.reset(transport),
  }));
  const { transports } = waysOut;
  const messages = createMessages({ cascade, log });
  const group = new GroupCommit(store, { clock });
  const buffer = createBuffer(store, { clock, turn, settings, metrics, log });
  const pipeline = createPipeline({
    ...{ sockets, buffer, store, clock, ids, random, log, metrics, fetch, settings, transports },
    commit: (commit) => group.commit(commit),
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
  const recovered = await pipeline.start();
  metrics.count("carillon_notifications_recovered_total", {}, recovered);
  if (recovered > 0) log.info("notifications are in flight from before", { recovered });
  opened.use(pipeline);

  let draining = false;
  const app = createApp({
    ...{ authenticate, keys, sessions, attributes, repository, transports, buffer, clock },
    ...{ log, metrics },
    publish: pipeline.publish,
    letters: pipeline.letters,
    replay: pipeline.replay,
    tryOut: createTryOut({ transports, ids, clock, generate: messages.generate }),
    snapshot: () => cascade.current(),
    match: async (notification) =>
      await matcher.match(notification, clientsOf((await sockets.presence([notification]))[0]!)),
    serves: pipeline.serves,
    reload: () => cascade.reload(),
    ready: createReadiness({
      backend: createEmbeddedBackend(store),
      ...{ transports, clock, leaving: () => draining },
    }),
    drain() {
      draining = true;
      void realtime.drain(DRAIN_PER_SECOND);
    },
  });
  watchGauges({ metrics, buffer, realtime, pipeline, transports, clock });

  // Last, so that a start that fails does not make a key that nobody is told.
  const firstKey = await keys.ensureAdminKey();
  door.open((request, info) => {
    // Sockets have their own CORS, limits and errors, and a long poll must not meet the API's.
    const path = pathOf(request.url);
    return realtime.handles(path) ? realtime.fetch(request, info) : app.fetch(request);
  });
  const { address } = door;
  log.info("listening", { address: `${address.hostname}:${address.port}` });

  const life = opened.move();
  return {
    address,
    firstKey,
    async houseKeep() {
      realtime.closeExpired();
      // Each sweep takes so many; what is left after some of them waits a minute.
      for (let sweep = 0; sweep < 20; sweep++) {
        if (await repository.sweepExpired(clock.now()) === 0) break;
      }
    },
    async reload() {
      await cascade.reload();
    },
    async stop() {
      draining = true;
      await pipeline.stop(); // while sockets are open, so that what is due still reaches them
      await realtime.close();
      await life.disposeAsync();
    },
  };
}

/** The path of a request's address, without parsing the rest of it. */
function pathOf(url: string): string {
  const start = url.indexOf("/", url.indexOf("://") + 3);
  const end = url.indexOf("?", start);
  return start < 0 ? "/" : end < 0 ? url.slice(start) : url.slice(start, end);
}
