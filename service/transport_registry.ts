/**
 * Makes the transports, and keeps the options of their clients as the configuration has them: at
 * the start, after each reload, and when a file that an entry names has changed.
 */

import { isAbsolute, join } from "node:path";
import type { z } from "zod";
import {
  type Cascade,
  OPTIONS_FILES,
  parseClientOptions,
  placeOf,
  pushClientOptions,
  type PushClients,
  readPushClients,
} from "../cascade/mod.ts";
import type { Clock } from "../core/clock.ts";
import { messageOf } from "../core/errors.ts";
import type { EventHub } from "../core/events.ts";
import type { JsonObject } from "../core/json.ts";
import type { Log } from "../core/log.ts";
import type { SharedTokens } from "../core/shared_tokens.ts";
import type { TransportName } from "../core/subscription.ts";
import type { ConfigurableTransport, Transport } from "../core/transport.ts";
import { apnOptionsSchema, createApnTransport } from "../transports/apn/mod.ts";
import { createGcmTransport, gcmOptionsSchema } from "../transports/gcm/mod.ts";
import type { HttpEngine } from "../transports/http/mod.ts";
import { createWebhookTransport, webhookOptionsSchema } from "../transports/webhook/mod.ts";
import { createWebPushTransport, webPushOptionsSchema } from "../transports/webpush/mod.ts";
import { createWebsocketTransport } from "../transports/websocket.ts";
import { createWnsTransport, wnsOptionsSchema } from "../transports/wns/mod.ts";

/** What the transports need from outside. */
export interface TransportRegistryDeps {
  readonly hub: Pick<EventHub, "presence" | "publish">;
  readonly cascade: Cascade;
  readonly configDir: string;
  readonly clock: Clock;
  /** How APNs and FCM are called. */
  readonly engine: HttpEngine;
  readonly log: Log;
  /** Absent where this node makes all tokens itself. */
  readonly sharedTokens?: SharedTokens;
  /** The `meta` of a subscription. */
  readonly metaOf: (subscriptionId: string) => Promise<JsonObject | undefined>;
  /** Called when a transport's clients may have changed. */
  readonly onConfigured: (transport: TransportName) => void;
}

/** The transports and their life. */
export interface TransportRegistry extends AsyncDisposable {
  readonly transports: ReadonlyMap<TransportName, Transport>;
  /** The key that pages subscribe to Web Push with, base64url; absent where a client has none. */
  readonly webPushKey: (client: string) => string | undefined;
  /** Reads the options of all clients anew. Never rejects: a bad entry is logged and left out. */
  configure(): Promise<void>;
}

interface Way {
  readonly file: string;
  readonly transport: Transport;
  configure(text: string, pushClients: PushClients): Promise<void>;
}

/** Where the original from 7.10.0 to 7.10.6 has the options of its HTTP/2 transport. */
const APNS_HTTP2_FILE = "pns-apns_http2-options.yml";

/** See the file's comment; nothing is configured until `configure()` is called. */
export function createTransportRegistry(deps: TransportRegistryDeps): TransportRegistry {
  const { cascade, configDir, clock, engine, log, sharedTokens } = deps;
  // Paths in options files are meant from the configuration folder.
  const resolve = (path: string) => isAbsolute(path) ? path : join(configDir, path);
  const common = {
    clock,
    engine,
    fetch: globalThis.fetch,
    createHttpClient: Deno.createHttpClient,
    readTextFile: (path: string) => Deno.readTextFile(resolve(path)),
    ...(sharedTokens && { sharedTokens }),
  };
  const readFile = (path: string) => Deno.readFile(resolve(path));
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
  const ways: readonly Way[] = [
    way(OPTIONS_FILES.apn, createApnTransport({ ...common, readFile, log }), apnOptionsSchema),
    way(OPTIONS_FILES.gcm, createGcmTransport(common), gcmOptionsSchema),
    way(OPTIONS_FILES.wns, createWnsTransport(common), wnsOptionsSchema),
    way(OPTIONS_FILES.webpush, webPush, webPushOptionsSchema),
    way(OPTIONS_FILES.webhook, webhook, webhookOptionsSchema),
  ];

  function way<T>(
    file: string,
    transport: ConfigurableTransport<T>,
    schema: z.ZodType<T>,
  ): Way {
    async function configure(text: string, pushClients: PushClients) {
      const older = parseClientOptions({ file, text }, schema);
      const http2 = transport.name === "apn"
        ? parseClientOptions({
          file: APNS_HTTP2_FILE,
          text: cascade.current().file(APNS_HTTP2_FILE) ?? "",
        }, schema)
        : { clients: new Map<string, T>(), faults: [] };
      const newer = pushClientOptions(pushClients, { transport: transport.name, schema });
      for (const fault of [...older.faults, ...http2.faults, ...newer.faults]) {
        log.error(fault.message, { place: placeOf(fault) });
      }
      // A middleware that has the newer folder reads nothing else.
      const clients = new Map([...older.clients, ...http2.clients, ...newer.clients]);
      for (const fault of await transport.configure(clients)) {
        log.error(`client '${fault.client}': ${fault.message}`, { place: fault.file ?? file });
      }
      deps.onConfigured(transport.name);
    }
    return { file, transport, configure };
  }

  const transports: readonly Transport[] = [
    createWebsocketTransport(deps.hub),
    ...ways.map(({ transport }) => transport),
  ];

  async function configureAll(): Promise<void> {
    const snapshot = cascade.current();
    const pushClients = readPushClients(snapshot.filesBelow("pushClientConfig"));
    for (const fault of pushClients.faults) log.error(fault.message, { place: placeOf(fault) });
    await Promise.all(ways.map(async ({ file, configure }) => {
      try {
        await configure(snapshot.file(file) ?? "", pushClients);
      } catch (thrown) {
        log.error("options could not be applied", { place: file, reason: messageOf(thrown) });
      }
    }));
  }

  /** One after the other: what was read last must be what holds. */
  let last = Promise.resolve();

  return {
    transports: new Map(transports.map((transport) => [transport.name, transport])),
    webPushKey: (client) => webPush.publicKey(client),
    configure: () => last = last.then(configureAll),
    async [Symbol.asyncDispose]() {
      await Promise.allSettled(transports.map((one) => one[Symbol.asyncDispose]()));
    },
  };
}

/** All addresses of a name; a family that it has none of is no fault. */
async function resolveAddresses(name: string, signal?: AbortSignal): Promise<readonly string[]> {
  const options = signal === undefined ? {} : { signal };
  const found = await Promise.allSettled([
    Deno.resolveDns(name, "A", options),
    Deno.resolveDns(name, "AAAA", options),
  ]);
  return found.flatMap((each) => each.status === "fulfilled" ? each.value : []);
}
