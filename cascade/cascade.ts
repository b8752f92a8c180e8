/**
 * Holds the configuration that is in force and replaces it: on a call, or shortly after its files
 * changed. A new one is read and checked as a whole and then takes effect in one assignment, or
 * the old one stays and everything that is wrong with the new one is told.
 */

import type { Clock, Timer } from "../core/clock.ts";
import { messageOf } from "../core/errors.ts";
import type { Log } from "../core/log.ts";
import type { Metrics } from "../core/metrics.ts";
import type { Attributes } from "./attributes.ts";
import type { ConfigFiles } from "./config_files.ts";
import {
  buildConfiguration,
  type BuiltConfiguration,
  changedNames,
  type Configuration,
  isConfigurationFile,
  isOurFile,
  needRestart,
} from "./configuration.ts";
import { type ConfigFault, configurationError } from "./faults.ts";
import { Snapshot } from "./snapshot.ts";

/** What a cascade is made with. */
export interface CascadeOptions {
  readonly files: ConfigFiles;
  readonly attributes: Attributes;
  /** Environment variables; those that name a key overrule the files. */
  readonly environment: Readonly<Record<string, string>>;
  readonly clock: Clock;
  readonly log: Log;
  readonly metrics: Pick<Metrics, "count">;
  /**
   * Milliseconds without a further change after which changed files are read again.
   *
   * @default {250}
   */
  readonly debounceMs?: number;
}

/** What a reload came to. */
export type ReloadResult =
  | {
    readonly ok: true;
    /** Full names, sorted. Changes of options files and templates are not among them. */
    readonly changedKeys: readonly string[];
    /** Those of them that count only after a restart. */
    readonly needsRestart: readonly string[];
    readonly warnings: readonly ConfigFault[];
  }
  | { readonly ok: false; readonly faults: readonly ConfigFault[] };

/** Told of each new configuration, after it took effect. */
export type SwapListener = (snapshot: Snapshot, changedKeys: readonly string[]) => void;

/**
 * Reads the configuration and begins to watch its files.
 *
 * @throws {ServiceError} `invalid_configuration` with every fault
 */
export async function startCascade(options: CascadeOptions): Promise<Cascade> {
  const built = await load(options, NO_FILES);
  logWarnings(options.log, built.warnings);
  if (!built.ok) throw configurationError(built.faults);
  return new Cascade(options, built.configuration);
}

/** The configuration in force, and its life. */
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

  /** Begins to watch the files; see {@link startCascade}. */
  constructor(options: CascadeOptions, configuration: Configuration) {
    this.#options = options;
    this.#configuration = configuration;
    this.#snapshot = new Snapshot(configuration, options.attributes);
    this.#watching = this.#watch();
  }

  /** The configuration in force. A job takes it once and passes it down. */
  current(): Snapshot {
    return this.#snapshot;
  }

  /**
   * Reads everything anew. Never rejects. Of several calls while a reload is running, all but the
   * first share the one that follows, since files may have changed since the running one began.
   */
  reload(): Promise<ReloadResult> {
    if (!this.#running) return this.#run();
    this.#queued ??= this.#running.then(() => {
      this.#queued = undefined;
      return this.#run();
    });
    return this.#queued;
  }

  /** Calls `listener` after each swap, until the returned function is called. */
  onSwap(listener: SwapListener): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  /** Stops watching; the configuration in force stays. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort();
    this.#debounce?.cancel();
    await this.#watching;
    await (this.#queued ?? this.#running);
  }

  #run(): Promise<ReloadResult> {
    this.#running = this.#reloadNow().finally(() => this.#running = undefined);
    return this.#running;
  }

  async #reloadNow(): Promise<ReloadResult> {
    const { log, metrics } = this.#options;
    const built = await load(this.#options, this.#configuration.ownFiles);
    logWarnings(log, built.warnings);
    metrics.count("carillon_config_reloads_total", { result: built.ok ? "ok" : "refused" });
    if (!built.ok) {
      for (const { message, ...place } of built.faults) {
        log.error("Configuration refused, the old one stays", { ...place, fault: message });
      }
      return { ok: false, faults: built.faults };
    }
    const changedKeys = changedNames(this.#configuration, built.configuration);
    this.#configuration = built.configuration;
    this.#snapshot = new Snapshot(built.configuration, this.#options.attributes);
    const needsRestart = needRestart(changedKeys);
    log.info("Configuration reloaded", { changedKeys, needsRestart });
    this.#tell(changedKeys);
    return { ok: true, changedKeys, needsRestart, warnings: built.warnings };
  }

  #tell(changedKeys: readonly string[]): void {
    for (const listener of this.#listeners) {
      try {
        listener(this.#snapshot, changedKeys);
      } catch (thrown) {
        this.#options.log.error("A listener failed on the new configuration", {
          error: messageOf(thrown),
        });
      }
    }
  }

  async #watch(): Promise<void> {
    const { files, clock, log, debounceMs = 250 } = this.#options;
    const onChange = () => {
      this.#debounce?.cancel();
      if (this.#stop.signal.aborted) return;
      this.#debounce = clock.after(debounceMs, () => void this.reload());
    };
    try {
      await files.watch(onChange, this.#stop.signal);
    } catch (thrown) {
      log.warn("Configuration files are not watched", { error: messageOf(thrown) });
    }
  }
}

const NO_FILES: ReadonlySet<string> = new Set();
/** Files that are read at the same time. */
const READS_AT_ONCE = 16;

/** Reads and checks all files. `ownFiles` named keys of this service when they were read last. */
async function load(
  { files, environment }: CascadeOptions,
  ownFiles: ReadonlySet<string>,
): Promise<BuiltConfiguration> {
  const texts = new Map<string, string>();
  const faults: ConfigFault[] = [];
  const unread: ConfigFault[] = [];
  function cannotRead(file: string, thrown: unknown): void {
    const message = `cannot be read: ${messageOf(thrown, 200)}`;
    const found = file === "." || isOurFile(file) || ownFiles.has(file) ? faults : unread;
    found.push({ file, line: 1, column: 1, message });
  }
  const paths = await files.list(cannotRead).catch((thrown) => (cannotRead(".", thrown), []));
  const wanted = paths.filter(isConfigurationFile);
  for (let at = 0; at < wanted.length; at += READS_AT_ONCE) {
    await Promise.all(
      wanted.slice(at, at + READS_AT_ONCE).map((path) =>
        files.read(path).then(
          (text) => texts.set(path, text),
          (thrown) => cannotRead(path, thrown),
        )
      ),
    );
  }
  const built = buildConfiguration({ files: texts, environment });
  const warnings = [...unread, ...built.warnings];
  if (faults.length === 0) return { ...built, warnings };
  return { ok: false, faults: built.ok ? faults : [...faults, ...built.faults], warnings };
}

function logWarnings(log: Log, warnings: readonly ConfigFault[]): void {
  for (const { message, ...place } of warnings) {
    log.warn("Configuration warning", { ...place, warning: message });
  }
}
