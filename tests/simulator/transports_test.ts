/** The product's own transports against the fakes, with only the sample configuration. */

import assert from "node:assert/strict";
import { parse } from "yaml";
import { systemClock } from "../../core/clock.ts";
import { silentLog } from "../../core/log.ts";
import type { Message } from "../../core/message.ts";
import type { ConfigurableTransport, Transport } from "../../core/transport.ts";
import { SAMPLE_CLIENTS, sampleConfiguration } from "../../simulator/sample_configuration.ts";
import { type Simulator, startSimulator } from "../../simulator/simulator.ts";
import { apnOptionsSchema, createApnTransport } from "../../transports/apn/mod.ts";
import { createGcmTransport, gcmOptionsSchema } from "../../transports/gcm/mod.ts";
import { createWebPushTransport, webPushOptionsSchema } from "../../transports/webpush/mod.ts";
import { createWnsTransport, wnsOptionsSchema } from "../../transports/wns/mod.ts";
import { type MakeEngine, testEngines } from "../transports/http/_engines.ts";
import { material } from "./support.ts";

const FOLDER = "/simulator";
const SHOWN: Message = {
  id: "01981c5e-6c8a-7abc-8def-0123456789ab",
  topic: "ox:mail:new",
  data: { folder: "default0/INBOX", id: "113" },
  priority: "high",
  silent: false,
  title: "Jane Doe",
  body: "Let's <meet> & talk",
  badge: 83,
  sound: "default",
  thread: "default0/INBOX",
  collapseKey: "mail",
};
const SILENT: Message = {
  id: SHOWN.id,
  topic: "ox:calendar:updates",
  data: { folders: ["cal://0/30"] },
  priority: "low",
  silent: true,
};

interface Started {
  readonly transport: Transport;
  readonly simulator: Simulator;
}

type Name = "apn" | "gcm" | "wns" | "webpush";

/** A simulator and one transport that is configured for it. */
async function withTransport(
  { name, makeEngine }: { readonly name: Name; readonly makeEngine: MakeEngine },
  run: (started: Started) => Promise<void>,
) {
  await using simulator = await startSimulator({ material });
  const { addresses } = simulator;
  const files = new Map(
    sampleConfiguration({ addresses, material, folder: FOLDER })
      .map(({ path, content }) => [`${FOLDER}/${path}`, content]),
  );
  const text = (path: string) => {
    const content = files.get(path);
    return typeof content === "string"
      ? Promise.resolve(content)
      : Promise.reject(new Deno.errors.NotFound());
  };
  const world = {
    clock: systemClock,
    engine: makeEngine(systemClock, { connections: 1 }),
    fetch,
    createHttpClient: Deno.createHttpClient,
    readTextFile: text,
    readFile(path: string) {
      const content = files.get(path);
      if (content === undefined) return Promise.reject(new Deno.errors.NotFound());
      const bytes = typeof content === "string" ? new TextEncoder().encode(content) : content;
      return Promise.resolve(bytes);
    },
    resolve: () => Promise.resolve([]),
    log: silentLog,
  };
  async function options(file: string) {
    return Object.entries(parse(await text(`${FOLDER}/conf/${file}`)));
  }
  async function configured<O>(
    made: ConfigurableTransport<O>,
    { file, schema }: { file: string; schema: { parse(value: unknown): O } },
  ): Promise<Transport> {
    const clients = new Map(
      (await options(file)).map(([client, given]) => [client, schema.parse(given)]),
    );
    assert.deepEqual(await made.configure(clients), []);
    return made;
  }
  const started = {
    apn: () =>
      configured(createApnTransport(world), {
        file: "pns-apns-options.yml",
        schema: apnOptionsSchema,
      }),
    gcm: () =>
      configured(createGcmTransport(world), {
        file: "pns-gcm-options.yml",
        schema: gcmOptionsSchema,
      }),
    wns: () =>
      configured(createWnsTransport(world), {
        file: "pns-wns-options.yml",
        schema: wnsOptionsSchema,
      }),
    webpush: () =>
      configured(createWebPushTransport(world), {
        file: "pns-webpush-options.yml",
        schema: webPushOptionsSchema,
      }),
  };
  await using transport = await started[name]();
  await run({ transport, simulator });
}

async function send(
  { transport }: Started,
  message: Message,
  to: { client: string; raw: unknown },
) {
  const token = transport.parseAddress(to.client, to.raw);
  const target = {
    context: "1",
    user: "3",
    client: to.client,
    transport: transport.name,
    token,
    subscriptionId: "s",
    refreshedAt: 0,
  };
  return await transport.send(target, message, AbortSignal.timeout(10_000));
}

const CLIENTS: Readonly<Record<string, Name>> = {
  [SAMPLE_CLIENTS.apn]: "apn",
  [SAMPLE_CLIENTS.apnCertificate]: "apn",
  [SAMPLE_CLIENTS.gcm]: "gcm",
  [SAMPLE_CLIENTS.gcmLegacy]: "gcm",
  [SAMPLE_CLIENTS.wns]: "wns",
  [SAMPLE_CLIENTS.wnsEntra]: "wns",
  [SAMPLE_CLIENTS.webpush]: "webpush",
};

for (const [client, name] of Object.entries(CLIENTS)) {
  testEngines(
    `${client}: the fake accepts what the transport sends`,
    (makeEngine) =>
      withTransport({ name, makeEngine }, async (started) => {
        const raw = started.simulator.samples[name];
        for (const message of [SHOWN, SILENT]) {
          const outcome = await send(started, message, { client, raw });
          assert.equal(outcome.kind, "sent", JSON.stringify(outcome));
        }
        const [shown] = started.simulator.received.list();
        assert.match(JSON.stringify(shown?.payload), /Jane Doe/);
      }),
  );

  testEngines(
    `${client}: 'gone' is understood`,
    (makeEngine) =>
      withTransport({ name, makeEngine }, async (started) => {
        const raw = started.simulator.faultySamples("gone", "a")[name];
        const outcome = await send(started, SHOWN, { client, raw });
        assert.equal(outcome.kind, "gone", JSON.stringify(outcome));
      }),
  );

  testEngines(
    `${client}: a server's failure is to be retried`,
    (makeEngine) =>
      withTransport({ name, makeEngine }, async (started) => {
        const raw = started.simulator.faultySamples("503 once", "a")[name];
        const first = await send(started, SHOWN, { client, raw });
        assert.equal(first.kind, "retry", JSON.stringify(first));
        const second = await send(started, SHOWN, { client, raw });
        assert.equal(second.kind, "sent", JSON.stringify(second));
      }),
  );
}
