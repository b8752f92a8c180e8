/** Gathers all facts about a set-up and judges them. */

import type { Clock } from "../core/clock.ts";
import { diagnose } from "./diagnose.ts";
import type { ResolveHost } from "../transports/http/public_address.ts";
import type { Facts } from "./facts.ts";
import type { Finding } from "./finding.ts";
import { readConfiguration } from "./probes/configuration.ts";
import { probeNode } from "./probes/nodes.ts";
import { probeProcess } from "./probes/process.ts";
import { probeProviders, probeSecretFiles } from "./probes/providers.ts";
import { probeProxy } from "./probes/proxy.ts";
import { probeStore } from "./probes/store.ts";
import { probeWebhooks } from "./probes/webhooks.ts";

/** What is to be examined. */
export interface ExamineOptions {
  readonly variables: Readonly<Record<string, string>>;
  readonly folder: string;
  readonly storeAddress: string;
  readonly port: number;
  /** Where clients reach the service. */
  readonly address: string;
  /** With scope `admin`. */
  readonly key: string | undefined;
  /** Nodes past the proxy; none: the address alone. */
  readonly nodes: readonly string[];
  readonly origin: string | undefined;
  readonly dryRun: boolean;
  readonly idle: boolean;
  readonly pid: string | undefined;
  readonly clock: Clock;
  readonly random: () => number;
  readonly fetch: typeof globalThis.fetch;
  /** Finds the addresses of a name as the service does. */
  readonly resolve: ResolveHost;
  /** Told what is looked at. */
  readonly onStep?: (what: string) => void;
}

/** Examines a set-up; nothing where it is sound. */
export async function examine(options: ExamineOptions): Promise<readonly Finding[]> {
  return diagnose(await gather(options));
}

/** All facts. */
async function gather(options: ExamineOptions): Promise<Facts> {
  const { variables, folder, clock, random, fetch, key, port, onStep = () => {} } = options;
  onStep(`reading ${folder} …`);
  const read = await readConfiguration(folder, variables);
  onStep("looking at the store …");
  const { store, storeFault, clock: storeClock } = await probeStore(options.storeAddress, {
    ...{ clock, random },
  });
  onStep(options.dryRun ? "asking the providers …" : "loading the credentials …");
  const probing = { folder, clock, fetch, dryRun: options.dryRun };
  const credentials = await probeProviders(read, probing);
  const webhooks = await probeWebhooks(read, { ...probing, resolve: options.resolve });
  onStep(`asking ${options.address} …`);
  const { proxy, serviceClock } = await probeProxy({ ...options, streamClient: read.streamClient });
  const isThere = proxy.fault === undefined;
  const addresses = options.nodes.length > 0 ? options.nodes : isThere ? [options.address] : [];
  const asked = await Promise.all(addresses.map((each) => probeNode(each, { key, fetch, clock })));
  const clocks = [storeClock, serviceClock, ...asked.map((each) => each.clock)];
  const process = await probeProcess(options.pid);
  const metrics = asked.find((each) => each.metrics)?.metrics;
  return {
    configuration: {
      ...{ folder, variables, port, built: read.built },
      clientFaults: read.clientFaults,
    },
    credentials,
    webhooks,
    secretFiles: await probeSecretFiles(read, probing),
    ...store && { store },
    ...storeFault !== undefined && { storeFault },
    clocks: clocks.filter((each) => each !== undefined),
    proxy,
    nodes: asked.map(({ node }) => node),
    ...process && { process },
    ...metrics && { metrics },
    now: clock.now(),
  };
}
