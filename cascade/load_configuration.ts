/**
 * Reads all files of a configuration folder and builds the configuration from them. A start, a
 * reload and `carillon config check` do the same here.
 */

import { messageOf } from "../core/errors.ts";
import type { FileFault } from "../core/file_fault.ts";
import type { ConfigFiles } from "./deno_config_files.ts";
import {
  buildConfiguration,
  type BuiltConfiguration,
  isConfigurationFile,
  isOurFile,
} from "./configuration.ts";

/** The texts of a folder, and what they make. */
interface LoadedConfiguration {
  /** Path → text of every file that this service reads. */
  readonly texts: ReadonlyMap<string, string>;
  readonly built: BuiltConfiguration;
}

/** Files that are read at the same time. */
const READS_AT_ONCE = 16;

/**
 * Reads and checks all files. Never rejects: a file that cannot be read is a fault where it is this
 * service's, and a warning otherwise.
 *
 * @param ownFiles named keys of this service when they were read last
 */
export async function loadConfiguration(
  { files, environment }: {
    readonly files: Pick<ConfigFiles, "list" | "read">;
    readonly environment: Readonly<Record<string, string>>;
  },
  ownFiles: ReadonlySet<string> = new Set(),
): Promise<LoadedConfiguration> {
  const texts = new Map<string, string>();
  const faults: FileFault[] = [];
  const unread: FileFault[] = [];
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
  if (faults.length === 0) return { texts, built: { ...built, warnings } };
  const all = built.ok ? faults : [...faults, ...built.faults];
  return { texts, built: { ok: false, faults: all, warnings } };
}
