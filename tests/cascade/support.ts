/** A cascade over files in memory, with whatever a test wants to look at. */

import { Attributes, Cascade, startCascade } from "../../cascade/mod.ts";
import type { Log, LogFields } from "../../core/log.ts";
import type { Store } from "../../core/store.ts";
import { MemoryStore } from "../../store/mod.ts";
import { FakeClock } from "../support/fake_clock.ts";
import { createMemoryConfigFiles, type MemoryConfigFiles } from "../support/memory_config_files.ts";

/** One line that was logged. */
interface LoggedLine {
  readonly level: string;
  readonly message: string;
  readonly fields: LogFields;
}

/** A cascade and what it was made with. */
interface TestCascade extends AsyncDisposable {
  readonly cascade: Cascade;
  readonly files: MemoryConfigFiles;
  readonly attributes: Attributes;
  readonly clock: FakeClock;
  readonly logged: readonly LoggedLine[];
  readonly counted: readonly string[];
}

/** What a test may set. */
interface TestCascadeOptions {
  readonly environment?: Readonly<Record<string, string>>;
  readonly store?: Store;
}

/** Starts a cascade over these files. */
export async function testCascade(
  texts: Readonly<Record<string, string>> = {},
  { environment = {}, store }: TestCascadeOptions = {},
): Promise<TestCascade> {
  const clock = new FakeClock();
  const files = createMemoryConfigFiles(texts);
  const attributes = new Attributes({ store: store ?? new MemoryStore({ clock }) });
  const logged: LoggedLine[] = [];
  const counted: string[] = [];
  const cascade = await startCascade({
    files,
    attributes,
    environment,
    clock,
    log: collectingLog(logged),
    metrics: { count: (name, labels) => void counted.push(`${name} ${JSON.stringify(labels)}`) },
  });
  return {
    cascade,
    files,
    attributes,
    clock,
    logged,
    counted,
    [Symbol.asyncDispose]: () => cascade[Symbol.asyncDispose](),
  };
}

function collectingLog(lines: LoggedLine[]): Log {
  const at = (level: string) => (message: string, fields: LogFields = {}) =>
    void lines.push({ level, message, fields });
  const log: Log = {
    debug: at("debug"),
    info: at("info"),
    warn: at("warn"),
    error: at("error"),
    with: () => log,
  };
  return log;
}
