/**
 * Puts an export onto an empty Redis. While it is under way a marker stands there, which keeps
 * nodes from starting; one that was broken off is wiped by the next attempt.
 */

import { ServiceError } from "../../core/errors.ts";
import { keyIn } from "../keys.ts";
import type { RedisLink, Reply } from "../link.ts";
import { type ExportedKey, readExportLine } from "./export_lines.ts";

interface ImportOptions {
  readonly link: Pick<RedisLink, "send" | "now"> & {
    each(command: readonly string[]): Promise<readonly { readonly reply: Reply }[]>;
  };
  readonly onProgress?: (keys: number) => void;
  readonly signal?: AbortSignal;
}

/** Stands while an import is under way. */
export const IMPORTING_KEY = keyIn("restore", "importing");
/** Parts of one key's content that are sent with one command. */
const AT_ONCE = 500;
const UNDER_WAY = 200;

/**
 * Checks a whole export without writing anything: that every line can be read and the end is there.
 *
 * @throws {ServiceError} `store_unavailable`, saying what is wrong
 */
export async function checkExport(lines: AsyncIterable<string>): Promise<number> {
  let at = 0;
  let keys = 0;
  let hasEnded = false;
  for await (const line of lines) {
    at++;
    if (hasEnded) throw damaged(at, "something follows the end");
    const read = parse(line, at);
    if ((at === 1) !== (read.kind === "head")) throw damaged(at, "it is no export of this service");
    if (read.kind === "key") keys++;
    if (read.kind === "end") {
      if (read.keys !== keys) throw damaged(at, `it has ${keys} keys instead of ${read.keys}`);
      hasEnded = true;
    }
  }
  if (!hasEnded) throw damaged(at, "the end is missing: the export was broken off");
  return keys;
}

/**
 * Writes an export; resolves with the number of keys.
 *
 * @throws {ServiceError} `store_unavailable` where there is something already
 */
export async function importLines(
  lines: AsyncIterable<string>,
  options: ImportOptions,
): Promise<number> {
  const { link, onProgress, signal } = options;
  // The marker proves that everything there came from a restore that was broken off.
  if (await link.send(IMPORTING_KEY, ["EXISTS", IMPORTING_KEY]) === 1) await link.each(["FLUSHDB"]);
  else await refuseFull(link);
  await link.send(IMPORTING_KEY, ["SET", IMPORTING_KEY, String(link.now())]);
  let at = 0;
  let keys = 0;
  let pending: Promise<unknown>[] = [];
  for await (const line of lines) {
    const read = parse(line, ++at);
    if (read.kind !== "key") continue;
    signal?.throwIfAborted();
    for (const command of commandsFor(read.key, link.now())) {
      pending.push(link.send(read.key.key, command));
    }
    keys++;
    if (pending.length >= UNDER_WAY) {
      await Promise.all(pending);
      pending = [];
      onProgress?.(keys);
    }
  }
  await Promise.all(pending);
  await link.send(IMPORTING_KEY, ["DEL", IMPORTING_KEY]);
  return keys;
}

/** The commands that make a key what it was; none where it has ended by now. */
export function commandsFor(
  { key, type, content, expiresAt, last }: ExportedKey,
  now: number,
): readonly (readonly (string | number)[])[] {
  if (expiresAt !== undefined && expiresAt <= now) return [];
  const commands: (string | number)[][] = [];
  if (type === "string") commands.push(["SET", key, content[0] ?? ""]);
  else if (type === "stream") {
    for (let at = 0; at + 1 < content.length; at += 2) {
      commands.push(["XADD", key, content[at]!, ...JSON.parse(content[at + 1]!)]);
    }
    if (commands.length > 0 && last) commands.push(["XSETID", key, last]);
  } else {
    const parts = type === "zset" ? swapped(content) : content;
    const name = { hash: "HSET", zset: "ZADD", set: "SADD", list: "RPUSH" }[type];
    for (let at = 0; at < parts.length; at += AT_ONCE) {
      commands.push([name, key, ...parts.slice(at, at + AT_ONCE)]);
    }
  }
  if (expiresAt !== undefined && commands.length > 0) commands.push(["PEXPIREAT", key, expiresAt]);
  return commands;
}

/** Servers list members before scores, and take them the other way round. */
function swapped(content: readonly string[]): readonly string[] {
  return content.map((_, at) => content[at % 2 === 0 ? at + 1 : at - 1]!);
}

async function refuseFull(link: ImportOptions["link"]): Promise<void> {
  const sizes = await link.each(["DBSIZE"]);
  if (sizes.every(({ reply }) => Number(reply) === 0)) return;
  throw new ServiceError(
    "store_unavailable",
    "Cannot restore: the Redis is not empty. Stop all nodes, and take an empty server or another " +
      "number of the database",
  );
}

function parse(line: string, at: number) {
  try {
    return readExportLine(line);
  } catch (thrown) {
    throw damaged(at, (thrown as Error).message);
  }
}

function damaged(line: number, why: string): ServiceError {
  return new ServiceError(
    "store_unavailable",
    `Cannot restore: line ${line} of the export: ${why}`,
  );
}
