/**
 * The port to the configuration folder, and the folder on disk. A missing folder counts as empty.
 * Names that begin with a dot are skipped and links are followed, because Kubernetes mounts a
 * ConfigMap that way.
 */

import { Buffer } from "node:buffer";
import { ifFound } from "../core/if_found.ts";

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

const MAX_DEPTH = 8;
const MAX_FILES = 10_000;

/** Creates the access to a folder on disk. */
export function createDenoConfigFiles(directory: string): ConfigFiles {
  const root = directory.replace(/\/+$/, "") || "/";
  return {
    async list(onUnreadable = () => {}) {
      const found: string[] = [];
      await collect(root, "", { depth: 0, found, onUnreadable });
      return found.sort();
    },
    read: async (path) => decodeText(await Deno.readFile(`${root}/${path}`)),
    async watch(onChange, signal) {
      if (signal.aborted) return;
      const watcher = Deno.watchFs(root);
      const close = () => watcher.close();
      signal.addEventListener("abort", close, { once: true });
      try {
        // A read is an event, too: a reload must not cause the next one.
        for await (const { kind } of watcher) if (kind !== "access") onChange();
      } finally {
        signal.removeEventListener("abort", close);
      }
    },
  };
}

/** Whether a file contains configuration, by its name. */
export function isConfigFile(path: string): boolean {
  return /\.(?:properties|ya?ml)$/.test(path);
}

interface Collecting {
  readonly depth: number;
  readonly found: string[];
  readonly onUnreadable: (path: string, thrown: unknown) => void;
}

async function collect(root: string, below: string, collecting: Collecting): Promise<void> {
  const { depth, found, onUnreadable } = collecting;
  const entries = await ifFound(Array.fromAsync(Deno.readDir(`${root}/${below}`)));
  for (const { name } of entries ?? []) {
    if (name.startsWith(".")) continue;
    const path = below + name;
    try {
      // Nothing where a file was deleted meanwhile, or a link is broken.
      const info = await ifFound(Deno.stat(`${root}/${path}`));
      if (info?.isDirectory && depth < MAX_DEPTH) {
        await collect(root, `${path}/`, { ...collecting, depth: depth + 1 });
      } else if (info?.isFile && isConfigFile(name)) found.push(path);
    } catch (thrown) {
      // What is in the way of this one is no reason to leave out the others.
      if (thrown instanceof TooManyFiles) throw thrown;
      onUnreadable(path, thrown);
    }
    if (found.length > MAX_FILES) throw new TooManyFiles();
  }
}

class TooManyFiles extends Error {
  constructor() {
    super(`Cannot read the configuration: more than ${MAX_FILES} files`);
  }
}

const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/**
 * Returns the text of a file: UTF-8 where all of it is valid UTF-8, otherwise ISO-8859-1, which
 * older installations have. Nothing in a file says which one it is. A byte order mark stays, since
 * the readers pass over it and the check of a folder names it.
 */
function decodeText(bytes: Uint8Array): string {
  try {
    return utf8.decode(bytes);
  } catch {
    // As Java has it; `TextDecoder("latin1")` is windows-1252, which differs.
    return Buffer.from(bytes).toString("latin1");
  }
}
