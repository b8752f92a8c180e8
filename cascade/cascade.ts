/**
 * Holds the current configuration and reloads it: on a call, or shortly after its files changed. A
 * new configuration is read and checked as a whole and then swapped in by one assignment. If it has
 * faults, the old one stays and all faults are reported.
 */

import type { Clock, Timer } from "../core/clock.ts";
import { messageOf, ServiceError } from "../core/errors.ts";
import type { Log } from "../core/log.ts";
import type { Metrics } from "../core/metrics.ts";
import { type FileFault, placeOf } from "../core/file_fault.ts";
import type { Attributes } from "./attributes.ts";
import type { ConfigFiles } from "./deno_config_files.ts";
import { changedNames, type Configuration, needRestart } from "./configuration.ts";
import { loadConfiguration } from "./load_configuration.ts";
import { Snapshot } from "./snapshot.ts";

interface CascadeOptions {
  readonly files: ConfigFiles;
  readonly attributes: Attributes;
  /** Environment variables; those that name a key override the files. */
  readonly environment: Readonly<Record<string, string>>;
  readonly clock: Clock;
  readonly log: Log;
  readonly metrics: Pick<Metrics, "count">;
}

/** The result of a reload. */
export type ReloadResult =
  | {
    readonly ok: true;
    /** Full names, sorted. Changes of options files and templates are not among them. */
    readonly changedKeys: readonly string[];
    /** Those of them that take effect only after a restart. */
    readonly needsRestart: readonly string[];
    readonly warnings: readonly FileFault[];
  }
  | { readonly ok: false; readonly faults: readonly FileFault[] };

/** After the last change of a file, until the files are read again. */
const DEBOUNCE_MS = 250;

type SwapListener = (snapshot: Snapshot, changedKeys: readonly string[]) => void;

/**
 * Reads the configuration and begins to watch its files.
 *
 * @throws {ServiceError} `invalid_configuration` with every fault
 */
export async function startCascade(options: CascadeOptions): Promise<Cascade> {
  const { built } = await loadConfiguration(options);
  logWarnings(options.log, built.warnings);
  if (!built.ok) throw configurationError(built.faults);
  return new Cascade(options, built.configuration);
}

/** The current configuration and its reloads. */
export class Cascade implements AsyncDisposable {
  readonly #options: CascadeOptions;
  readonly #listeners = new Set<SwapListener>();
  readonly #stop = new AbortController();
  readonly #watching: Promise<void>;
  #configuration: Configuration;
  #snapshot: Snapshot;
  #debounce: Timer | undefined;
  #running: Promise<ReloadResult> | undefined;
  #queued: Promise<ReloadResult> | undefined;

  /** Begins to watch the files. Use {@link startCascade}. */
  constructor(options: CascadeOptions, configuration: Configuration) {
    this.#options = options;
    this.#configuration = configuration;
    this.#snapshot = new Snapshot(configuration, options.attributes);
    this.#watching = this.#watch();
  }

  /** Returns the current configuration. A job calls this once and passes the result on. */
  current(): Snapshot {
    return this.#snapshot;
  }

  /**
   * Reads everything again. Never rejects. Calls during a reload share the next one, because files
   * may have changed since the running one began.
   */
  reload(): Promise<ReloadResult> {
    if (!this.#running && !this.#queued) return this.#run();
    return this.#queued ??= this.#running!.then(() => {
      this.#queued = undefined;
      return this.#run();
    });
  }

  /** Reads everything and returns what a reload would do, without doing it. Never rejects. */
  async preview(): Promise<ReloadResult> {
    const { built } = await loadConfiguration(this.#options, this.#configuration.ownFiles);
    if (!built.ok) return { ok: false, faults: built.faults };
    const changedKeys = changedNames(this.#configuration, built.configuration);
    const needsRestart = needRestart(changedKeys);
    return { ok: true, changedKeys, needsRestart, warnings: built.warnings };
  }

  /** Calls `listener` after each swap, until the returned function is called. */
  onSwap(listener: SwapListener): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  /** Stops watching; the current configuration stays. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort();
    this.#debounce?.cancel();
    await this.#watching;
    await (this.#queued ?? this.#running);
  }

  #run(): Promise<ReloadResult> {
    return this.#running = this.#reloadNow().finally(() => this.#running = undefined);
  }

  async #reloadNow(): Promise<ReloadResult> {
    const { log, metrics } = this.#options;
    const { built } = await loadConfiguration(this.#options, this.#configuration.ownFiles);
    logWarnings(log, built.warnings);
    metrics.count("carillon_config_reloads_total", { result: built.ok ? "ok" : "refused" });
    if (!built.ok) {
      for (const { message, ...place } of built.faults) {
        log.error("Configuration refused; the previous one stays in effect", {
          ...place,
          fault: message,
        });
      }
      return { ok: false, faults: built.faults };
    }
    const changedKeys = changedNames(this.#configuration, built.configuration);
    this.#configuration = built.configuration;
    this.#snapshot = new Snapshot(built.configuration, this.#options.attributes);
    const needsRestart = needRestart(changedKeys);
    log.info("Configuration reloaded", { changedKeys, needsRestart });
    this.#notify(changedKeys);
    return { ok: true, changedKeys, needsRestart, warnings: built.warnings };
  }

  #notify(changedKeys: readonly string[]): void {
    for (const listener of this.#listeners) {
      try {
        listener(this.#snapshot, changedKeys);
      } catch (thrown) {
        this.#options.log.error("A listener failed to apply the new configuration", {
          error: messageOf(thrown),
        });
      }
    }
  }

  async #watch(): Promise<void> {
    const { files, clock, log } = this.#options;
    const onChange = () => {
      this.#debounce?.cancel();
      if (this.#stop.signal.aborted) return;
      this.#debounce = clock.after(DEBOUNCE_MS, () => void this.reload());
    };
    try {
      await files.watch(onChange, this.#stop.signal);
    } catch (thrown) {
      log.warn("Cannot watch the configuration files; changes need a reload", {
        error: messageOf(thrown),
      });
    }
  }
}

function configurationError(faults: readonly FileFault[]): ServiceError {
  const all = faults.map((fault) => ({ path: placeOf(fault), message: fault.message }));
  const [first] = all;
  const summary = first ? `: ${first.path}: ${first.message}` : "";
  const message = `Cannot load the configuration${summary}`;
  return new ServiceError("invalid_configuration", message, { faults: all });
}

function logWarnings(log: Log, warnings: readonly FileFault[]): void {
  for (const { message, ...place } of warnings) {
    log.warn("Configuration warning", { ...place, warning: message });
  }
}
