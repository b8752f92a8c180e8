/**
 * All fakes together, as one thing with a life. Used by the command (`main.ts`), by tests and by
 * benchmarks; writes no file and prints nothing.
 */

import { type Clock, systemClock } from "../core/clock.ts";
import { addressesOf, type ServerName, type SimulatorAddresses } from "./addresses.ts";
import { createApi } from "./api.ts";
import { type Arrivals, createArrivals } from "./arrivals.ts";
import { type ApnsSettings, createFakes } from "./fakes.ts";
import { createFaults, type Faults } from "./faults.ts";
import { createMaterial, type Material } from "./material.ts";
import { faultySamplesOf, type Samples, samplesOf } from "./samples.ts";
import { startTlsServer } from "./tls_server.ts";
import type { BrowserSubscription, SubscribeOptions } from "./webpush.ts";

/** Settings of {@link startSimulator}; all may be left out. */
export interface SimulatorOptions {
  readonly clock?: Clock;
  /** Address to listen on. @default {"127.0.0.1"} */
  readonly hostname?: string;
  /** Host name in the addresses that are given out. @default {"localhost"} */
  readonly publicHost?: string;
  /** Absent or 0: any free port. */
  readonly ports?: Readonly<Partial<Record<ServerName, number>>>;
  /** Absent: made anew, which takes about half a second. */
  readonly material?: Material;
  /** Milliseconds before every answer of every provider. @default {0} */
  readonly latencyMs?: number;
  /** Arrivals that are kept; 0 keeps only counts, for benchmarks. @default {1000} */
  readonly keep?: number;
  readonly apns?: ApnsSettings;
}

/** A running simulator. */
export interface Simulator extends AsyncDisposable {
  readonly addresses: SimulatorAddresses;
  /** Certificates and credentials; `material.authority.certificate` is the CA to trust. */
  readonly material: Material;
  /** Addresses to subscribe with, one for each provider. */
  readonly samples: Samples;
  /** The same, but misbehaving as a script says; `unique` tells equal ones apart. */
  faultySamples(script: string, unique: string): Samples;
  readonly arrivals: Arrivals;
  readonly faults: Faults;
  /** Milliseconds before every answer from now on. */
  setLatency(latencyMs: number): void;
  /** A new browser at the fake push service. */
  subscribe(options?: SubscribeOptions): BrowserSubscription;
  /** Makes every access token given out so far invalid. */
  revokeTokens(): void;
  /** Breaks every connection. */
  close(): Promise<void>;
}

/** Streams of connections that need not prove themselves first. */
const STREAMS = 250;

/** Starts all servers. */
export async function startSimulator(options: SimulatorOptions = {}): Promise<Simulator> {
  const { clock = systemClock, hostname = "127.0.0.1", publicHost = "localhost" } = options;
  const material = options.material ?? await createMaterial({
    now: clock.now(),
    hosts: [...new Set([publicHost, "localhost", "127.0.0.1", "::1"])],
  });
  const now = () => clock.now();
  const arrivals = createArrivals({ now, keep: options.keep ?? 1000 });
  const faults = createFaults(clock);
  let latencyMs = options.latencyMs ?? 0;
  const setLatency = (ms: number) => void (latencyMs = ms);

  const ports = new Map<ServerName, number>();
  function originOf(name: ServerName): string {
    return `${name === "api" ? "http" : "https"}://${publicHost}:${ports.get(name) ?? 0}`;
  }
  const apns = options.apns ?? {};
  const fakes = createFakes({ material, faults, arrivals, now, originOf, apns });

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
        streams: name === "apns" ? apns.initialStreams ?? 1 : STREAMS,
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
  const api = createApi({ addresses, samples, arrivals, faults, setLatency, subscribe });
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
    arrivals,
    faults,
    setLatency,
    subscribe,
    revokeTokens,
    close: () => life.disposeAsync(),
    [Symbol.asyncDispose]: () => life.disposeAsync(),
  };
}
