/** A configuration folder in memory. */

import { type ConfigFiles, isConfigFile } from "../../cascade/deno_config_files.ts";

/** A folder in memory whose files can be changed. */
export interface MemoryConfigFiles extends ConfigFiles {
  write(path: string, text: string): void;
  remove(path: string): void;
}

/** Creates a folder in memory with these files. */
export function createMemoryConfigFiles(
  files: Readonly<Record<string, string>> = {},
): MemoryConfigFiles {
  const texts = new Map(Object.entries(files));
  const watchers = new Set<() => void>();
  const changed = () => watchers.forEach((onChange) => onChange());
  return {
    list: () => Promise.resolve([...texts.keys()].filter(isConfigFile)),
    read(path) {
      const text = texts.get(path);
      return text === undefined
        ? Promise.reject(new Error(`Cannot read '${path}': there is no such file`))
        : Promise.resolve(text);
    },
    watch(onChange, signal) {
      if (signal.aborted) return Promise.resolve();
      watchers.add(onChange);
      return new Promise((resolve) => {
        signal.addEventListener("abort", () => {
          watchers.delete(onChange);
          resolve();
        }, { once: true });
      });
    },
    write(path, text) {
      texts.set(path, text);
      changed();
    },
    remove(path) {
      texts.delete(path);
      changed();
    },
  };
}
