/** The port to the configuration folder, and an implementation in memory for tests. */

/** The configuration folder. Paths are relative to it, with `/` between their parts. */
export interface ConfigFiles {
  /**
   * Returns every properties and YAML file at any depth; none where the folder does not exist.
   *
   * @param onUnreadable called for each file and folder below it that cannot be inspected
   */
  list(onUnreadable?: (path: string, thrown: unknown) => void): Promise<readonly string[]>;
  /** Returns the text of a file. Rejects where it cannot be read. */
  read(path: string): Promise<string>;
  /**
   * Calls `onChange` after each change below the folder, possibly several times for one change.
   * Resolves when `signal` is aborted; rejects where the folder cannot be watched.
   */
  watch(onChange: () => void, signal: AbortSignal): Promise<void>;
}

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

/** Whether a file contains configuration, by its name. */
export function isConfigFile(path: string): boolean {
  return /\.(?:properties|ya?ml)$/.test(path);
}
