/**
 * All fakes as one disposable object. Used by the command (`main.ts`), tests and benchmarks; writes
 * no file and prints nothing.
 */

import { type Clock, systemClock } from "../core/clock.ts";
import { addressesOf, type ServerName, type SimulatorAddresses } from "./addresses.ts";
import { createApi } from "./api.ts";
import { createPushLog, type PushLog } from "./push_log.ts";
import { createFakes } from "./fakes.ts";
import { createFaults, type Faults } from "./faults.ts";
import { createMaterial, type Material } from "./material.ts";
import { faultySamplesOf, type Samples, samplesOf } from "./samples.ts";
import { startTlsServer } from "./tls_server.ts";
import type { BrowserSubscription, SubscribeOptions } from "./webpush.ts";

interface SimulatorOptions {
  readonly clock?: Clock;
  /** The address to listen on. @default {"127.0.0.1"} */
  readonly hostname?: string;
  /** The host name in public addresses. @default {"localhost"} */
  readonly publicHost?: string;
  /** Absent or 0: any free port. */
  readonly ports?: Readonly<Partial<Record<ServerName, number>>>;
  /** Absent: created, which takes about half a second. */
  readonly material?: Material;
  /** Milliseconds before every answer of every provider. @default {0} */
  readonly latencyMs?: number;
  /** Received pushes that are kept; 0 keeps only counts, for benchmarks. @default {1000} */
  readonly keep?: number;
}

/** A running simulator. */
export interface Simulator extends AsyncDisposable {
  readonly addresses: SimulatorAddresses;
  /** Certificates and credentials; `material.authority.certificate` is the CA to trust. */
  readonly material: Material;
  /** Sample addresses, one per provider. */
  readonly samples: Samples;
  /** Sample addresses with a fault script; `unique` distinguishes equal ones. */
  faultySamples(script: string, unique: string): Samples;
  readonly received: PushLog;
  readonly faults: Faults;
  /** Sets the milliseconds before every answer from now on. */
  setLatency(latencyMs: number): void;
  /** Subscribes a new browser at the fake push service. */
  subscribe(options?: SubscribeOptions): BrowserSubscription;
  /** Invalidates every issued access token. */
  revokeTokens(): void;
  /** Breaks every connection. */
  close(): Promise<void>;
}

/** Streams of connections that need no authentication first. */
const STREAMS = 250;
/** Streams of a connection to APNs before its sender is authenticated. */
const APNS_STREAMS = 1;

/** Starts all servers. */
export async function startSimulator(options: SimulatorOptions = {}): Promise<Simulator> {
  const { clock = systemClock, hostname = "127.0.0.1", publicHost = "localhost" } = options;
  const material = options.material ?? await createMaterial({
    now: clock.now(),
    hosts: [...new Set([publicHost, "localhost", "127.0.0.1", "::1"])],
  });
  const now = () => clock.now();
  const received = createPushLog({ now, keep: options.keep ?? 1000 });
  const faults = createFaults(clock);
  let latencyMs = options.latencyMs ?? 0;
  const setLatency = (ms: number) => void (latencyMs = ms);

  const ports = new Map<ServerName, number>();
  function originOf(name: ServerName): string {
    return `${name === "api" ? "http" : "https"}://${publicHost}:${ports.get(name) ?? 0}`;
  }
  const fakes = createFakes({ material, faults, received, now, originOf });

  await using stack = new AsyncDisposableStack();
  for (const name of ["apns", "google", "wns", "webpush"] as const) {
    const server = stack.use(
      await startTlsServer({
        hostname,
        port: options.ports?.[name] ?? 0,
        cert: material.server.certificate,
        key: material.server.privateKey,
        clientCa: material.authority.certificate,
        http1: name !== "apns",
        streams: name === "apns" ? APNS_STREAMS : STREAMS,
        clock,
        latencyMs: () => latencyMs,
        handle: fakes.handlers[name],
      }),
    );
    ports.set(name, server.port);
  }

  const { subscribe, revokeTokens } = fakes;
  const provided = { addresses: { wns: originOf("wns") }, material, subscribe };
  const samples = samplesOf(provided);
  const addresses = () => addressesOf(originOf, material.wns.tenant);
  const api = createApi({ addresses, samples, received, faults, setLatency, subscribe });
  const server = Deno.serve(
    { hostname, port: options.ports?.api ?? 0, onListen: () => {} },
    api,
  );
  stack.defer(() => server.shutdown());
  ports.set("api", server.addr.port);

  const life = stack.move();
  return {
    addresses: addresses(),
    material,
    samples,
    faultySamples: (script, unique) => faultySamplesOf(script, unique, provided),
    received,
    faults,
    setLatency,
    subscribe,
    revokeTokens,
    close: () => life.disposeAsync(),
    [Symbol.asyncDispose]: () => life.disposeAsync(),
  };
}
