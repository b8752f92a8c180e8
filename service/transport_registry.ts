/**
 * Creates the transports and gives them the options of their clients from the configuration. The
 * service calls `configure` at the start and after each change of the configuration folder.
 */

import { isAbsolute, join } from "node:path";
import type { z } from "zod";
import {
  type Cascade,
  type ConfiguredTransport,
  OPTIONS_FILES,
  type PushClients,
  readPushClients,
  readTransportClients,
  type Settings,
} from "../cascade/mod.ts";
import type { Clock } from "../core/clock.ts";
import { messageOf } from "../core/errors.ts";
import type { EventHub } from "../core/events.ts";
import type { JsonObject } from "../core/json.ts";
import type { Log } from "../core/log.ts";
import type { SharedTokens } from "../core/shared_tokens.ts";
import type { TransportName } from "../core/subscription.ts";
import type { ConfigurableTransport, Transport } from "../core/transport.ts";
import { placeOf } from "../core/file_fault.ts";
import { apnOptionsSchema, createApnTransport } from "../transports/apn/mod.ts";
import { createGcmTransport, gcmOptionsSchema } from "../transports/gcm/mod.ts";
import { createFetchEngine, type HttpEngine } from "../transports/http/mod.ts";
import { createHttp2Engine } from "../transports/http2/mod.ts";
import { createWebhookTransport, webhookOptionsSchema } from "../transports/webhook/mod.ts";
import { createWebPushTransport, webPushOptionsSchema } from "../transports/webpush/mod.ts";
import { createWebsocketTransport } from "../transports/websocket.ts";
import { createWnsTransport, wnsOptionsSchema } from "../transports/wns/mod.ts";

interface TransportRegistryDeps {
  readonly hub: Pick<EventHub, "presence" | "publish">;
  readonly cascade: Cascade;
  readonly configDir: string;
  readonly metaOf: (subscriptionId: string) => Promise<JsonObject | undefined>;
  readonly clock: Clock;
  /** The HTTP client that calls APNs and FCM. */
  readonly engine: HttpEngine;
  readonly log: Log;
  /** Absent where this node makes all provider tokens itself. */
  readonly sharedTokens?: SharedTokens;
}

/** All transports; disposing it closes them. */
export interface TransportRegistry extends AsyncDisposable {
  readonly transports: ReadonlyMap<TransportName, Transport>;
  /** Returns the public VAPID key of a client, base64url; undefined where it has none. */
  readonly webPushKey: (client: string) => string | undefined;
  /**
   * Reads the options of all clients again. Never rejects: a bad entry is logged and left out.
   *
   * @param onConfigured called for each transport whose clients may have changed
   */
  configure(onConfigured: OnConfigured): Promise<void>;
}

type OnConfigured = (transport: TransportName) => void;

interface Entry {
  readonly file: string;
  readonly transport: Transport;
  configure(pushClients: PushClients): Promise<void>;
}

/** Creates the transports. They serve no client until `configure` is called. */
export function createTransportRegistry(deps: TransportRegistryDeps): TransportRegistry {
  const { cascade, configDir, clock, engine, log, sharedTokens } = deps;
  // Paths in options files are relative to the configuration folder.
  const resolve = (path: string) => isAbsolute(path) ? path : join(configDir, path);
  const common = {
    clock,
    engine,
    fetch: globalThis.fetch,
    createHttpClient: Deno.createHttpClient,
    readFile: (path: string) => Deno.readFile(resolve(path)),
    readTextFile: (path: string) => Deno.readTextFile(resolve(path)),
    ...(sharedTokens && { sharedTokens }),
  };
  const webPush = createWebPushTransport({ ...common, resolve: resolveAddresses });
  const webhook = createWebhookTransport({
    ...{ ...common, resolve: resolveAddresses, metaOf: deps.metaOf },
    async settingsOf({ context, user }) {
      const view = await cascade.current().view(context, user);
      return {
        enabledIds: view.get("com.openexchange.webhooks.enabledIds"),
        httpsOnly: view.get("com.openexchange.pns.transport.webhooks.httpsOnly"),
      };
    },
    http() {
      const { webhooks } = cascade.current().settings;
      return {
        maxInFlight: webhooks.maxConnectionsPerHost,
        timeoutMs: webhooks.connectionTimeoutMs + webhooks.socketReadTimeoutMs,
        allowLocal: webhooks.allowLocal,
      };
    },
  });
  const entries: readonly Entry[] = [
    entry(OPTIONS_FILES.apn, createApnTransport(common), apnOptionsSchema),
    entry(OPTIONS_FILES.gcm, createGcmTransport(common), gcmOptionsSchema),
    entry(OPTIONS_FILES.wns, createWnsTransport(common), wnsOptionsSchema),
    entry(OPTIONS_FILES.webpush, webPush, webPushOptionsSchema),
    entry(OPTIONS_FILES.webhook, webhook, webhookOptionsSchema),
  ];

  function entry<T>(
    file: string,
    transport: ConfigurableTransport<T>,
    schema: z.ZodType<T>,
  ): Entry {
    async function configure(pushClients: PushClients) {
      const { clients, faults } = readTransportClients({
        file: (path) => cascade.current().file(path),
        pushClients,
      }, { transport: transport.name as ConfiguredTransport, schema });
      for (const fault of faults) log.error(fault.message, { place: placeOf(fault) });
      for (const fault of await transport.configure(clients)) {
        log.error(`client '${fault.client}': ${fault.message}`, { place: fault.file ?? file });
      }
    }
    return { file, transport, configure };
  }

  const transports: readonly Transport[] = [
    createWebsocketTransport(deps.hub),
    ...entries.map(({ transport }) => transport),
  ];

  async function configureAll(onConfigured: OnConfigured): Promise<void> {
    const snapshot = cascade.current();
    const pushClients = readPushClients(snapshot.filesBelow("pushClientConfig"));
    for (const fault of pushClients.faults) log.error(fault.message, { place: placeOf(fault) });
    await Promise.all(entries.map(async ({ file, transport, configure }) => {
      try {
        await configure(pushClients);
        onConfigured(transport.name);
      } catch (thrown) {
        log.error("cannot apply the options of a transport", {
          place: file,
          reason: messageOf(thrown),
        });
      }
    }));
  }

  /** Runs are sequential, so that the options that were read last take effect last. */
  let last = Promise.resolve();

  return {
    transports: new Map(transports.map((transport) => [transport.name, transport])),
    webPushKey: (client) => webPush.publicKey(client),
    configure: (onConfigured) => last = last.then(() => configureAll(onConfigured)),
    async [Symbol.asyncDispose]() {
      await Promise.allSettled(transports.map((each) => each[Symbol.asyncDispose]()));
    },
  };
}

const PROXY_VARIABLES = ["HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"];

/**
 * Returns the configured HTTP client for APNs and FCM, or `fetch` where the environment names a
 * proxy: only `fetch` supports one.
 */
export function chooseHttpEngine({ engine, variables, clock, log }: {
  readonly engine: Settings["http"]["engine"];
  readonly variables: Readonly<Record<string, string>>;
  readonly clock: Clock;
  readonly log: Log;
}): HttpEngine {
  const { createHttpClient } = Deno;
  const proxy = PROXY_VARIABLES.find((name) => variables[name]);
  if (engine === "http2" && proxy === undefined) {
    return createHttp2Engine({ runtime: Deno, createHttpClient, clock });
  }
  if (engine === "http2") {
    log.info("APNs and FCM are called with fetch, which supports the proxy", { variable: proxy });
  }
  return createFetchEngine({ fetch: globalThis.fetch, createHttpClient, clock });
}

/** Returns the IPv4 and IPv6 addresses of a name; a name may have only one kind. */
export async function resolveAddresses(
  name: string,
  signal?: AbortSignal,
): Promise<readonly string[]> {
  const options = signal === undefined ? {} : { signal };
  const found = await Promise.allSettled([
    Deno.resolveDns(name, "A", options),
    Deno.resolveDns(name, "AAAA", options),
  ]);
  return found.flatMap((each) => each.status === "fulfilled" ? each.value : []);
}
