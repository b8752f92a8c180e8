/**
 * Puts load on the embedded service for minutes and measures how much the process has grown. It
 * measures twice in the same state: after a warm-up with the same load, and at the end, each time
 * after a pause in which the process can free what it no longer needs.
 */

import { openDescriptors } from "../tests/support/descriptors.ts";
import { seeded } from "../tests/support/seeded.ts";
import { type ServiceProcess, startProcess } from "../tests/support/start_process.ts";
import { type LoadCounts, noCounts, runLoad } from "./soak_load.ts";
import type { Size } from "./soak_growth.ts";

/** Options of {@link runSoak}; all times in milliseconds. */
interface SoakOptions {
  readonly seed: number;
  readonly warmUpMs: number;
  readonly loadMs: number;
  /** Between the end of the load and the measurement. */
  readonly quietMs: number;
  /** How long the smallest size is searched for. */
  readonly lookMs: number;
  /** Called with progress messages. */
  readonly onProgress?: (line: string) => void;
}

interface SoakReport {
  /** After the warm-up. */
  readonly before: Size;
  readonly after: Size;
  /** The largest size under load. */
  readonly peak: Size;
  readonly counts: LoadCounts;
}

const LOOK_EVERY_MS = 100;
const PEAK_EVERY_MS = 5_000;

/** Short retention times: all data must be gone after the pause. */
const PROPERTIES = {
  "com.openexchange.pns.delayDuration": 100,
  "io.carillon.websocket.pingInterval": 3_000,
  "io.carillon.websocket.pingTimeout": 2_000,
  "io.carillon.websocket.maxSocketsPerUser": 1_000,
  "io.carillon.resume.window": 10_000,
};

/**
 * By default glibc has eight arenas per core, and each keeps the memory that it once had. With two,
 * two equal loads in a row end at the same resident memory; a longer one may still end higher.
 */
const VARIABLES = { MALLOC_ARENA_MAX: "2" };

/** Runs it on a new process and data file. */
export async function runSoak(options: SoakOptions): Promise<SoakReport> {
  const { seed, warmUpMs, loadMs, quietMs, lookMs, onProgress = () => {} } = options;
  const random = seeded(seed);
  await using service = await startProcess({ properties: PROPERTIES, variables: VARIABLES });
  onProgress(`just started: ${textOf(await calmSize(service, lookMs))}`);
  const first = await load(service, { random, forMs: warmUpMs, counts: noCounts() });
  await pause(quietMs);
  const before = await calmSize(service, lookMs);
  first.dispose();
  onProgress(`after the warm-up: ${textOf(before)}`);

  const counts = noCounts();
  let peak = before;
  const over = new AbortController();
  const watching = (async () => {
    while (!over.signal.aborted) {
      peak = larger(peak, await sizeOf(service));
      await pause(Math.min(PEAK_EVERY_MS, loadMs / 4));
    }
  })();
  using _left = await load(service, { random, forMs: loadMs, counts });
  over.abort();
  await watching;
  onProgress(`at the peak: ${textOf(peak)}`);
  await pause(quietMs);
  const after = await calmSize(service, lookMs);
  onProgress(`at the end: ${textOf(after)}`);
  return { before, after, peak, counts };
}

/** Formats a size. */
function textOf({ residentMiB, heapMiB, descriptors }: Size): string {
  return `${residentMiB} MiB resident, ${heapMiB} MiB of heap, ${descriptors} descriptors`;
}

function load(
  service: ServiceProcess,
  { random, forMs, counts }: {
    readonly random: () => number;
    readonly forMs: number;
    readonly counts: LoadCounts;
  },
): Promise<DisposableStack> {
  const signal = AbortSignal.timeout(forMs);
  return runLoad({ service, random, signal, counts });
}

/** The smallest of several measurements: garbage that is not yet collected must not count. */
async function calmSize(service: ServiceProcess, forMs: number): Promise<Size> {
  let least = await sizeOf(service);
  for (let look = 0; look * LOOK_EVERY_MS < forMs; look++) {
    await pause(LOOK_EVERY_MS);
    const { residentMiB, heapMiB, descriptors } = await sizeOf(service);
    least = {
      residentMiB: Math.min(least.residentMiB, residentMiB),
      heapMiB: Math.min(least.heapMiB, heapMiB),
      descriptors: Math.min(least.descriptors, descriptors),
    };
  }
  return least;
}

async function sizeOf(service: ServiceProcess): Promise<Size> {
  const [{ text }, descriptors] = await Promise.all([
    service.call("GET", "/metrics"),
    openDescriptors(service.pid),
  ]);
  const mib = (name: string) => {
    const bytes = Number(new RegExp(`^${name} (\\S+)$`, "m").exec(text)![1]);
    return Math.round(bytes / 2 ** 20 * 10) / 10;
  };
  return {
    residentMiB: mib("carillon_process_resident_bytes"),
    heapMiB: mib("carillon_process_heap_bytes"),
    descriptors,
  };
}

function larger(a: Size, b: Size): Size {
  return {
    residentMiB: Math.max(a.residentMiB, b.residentMiB),
    heapMiB: Math.max(a.heapMiB, b.heapMiB),
    descriptors: Math.max(a.descriptors, b.descriptors),
  };
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
