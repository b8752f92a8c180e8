/**
 * The port to the folder that the configuration is read from, and a folder that exists in memory
 * only. What the texts mean is not known here.
 */

/** A folder of texts. Paths are relative to it, with `/` between their parts. */
export interface ConfigFiles {
  /**
   * Every properties and YAML file at any depth; nothing where the folder does not exist.
   *
   * @param onUnreadable is told of each file and folder below it that cannot be looked into
   */
  list(onUnreadable?: (path: string, thrown: unknown) => void): Promise<readonly string[]>;
  /** The text of one of them. Throws where it cannot be read. */
  read(path: string): Promise<string>;
  /**
   * Calls `onChange` after something below the folder changed, more than once for one change
   * perhaps. Resolves when `signal` is aborted; rejects where the folder cannot be watched.
   */
  watch(onChange: () => void, signal: AbortSignal): Promise<void>;
}

/** A folder in memory whose files can be changed. */
export interface MemoryConfigFiles extends ConfigFiles {
  write(path: string, text: string): void;
  remove(path: string): void;
}

/** A folder in memory, with these files at first. */
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

/** Whether a file holds configuration, by its name. */
export function isConfigFile(path: string): boolean {
  return /\.(?:properties|ya?ml)$/.test(path);
}
