/**
 * Standalone records: records of families that are only read, checked and changed by key, each
 * alone in its commit. They need no common slot, so they spread over the partitions and so over the
 * masters of a Cluster. Redis expires them, and no list contains them.
 */

import type { Commit, StoreKey } from "../../core/store.ts";
import { encodeKey } from "../../store/mod.ts";
import { keyIn, partitionOfText, partitionTag } from "../keys.ts";
import { ANY_VERSION, expiry } from "./_scripts.ts";
import { encodeValue } from "./_values.ts";

/** First parts of the keys of standalone records. */
export type StandaloneFamilies = readonly string[];

interface StandaloneCommit {
  readonly key: StoreKey;
  /** Arguments of the script. */
  readonly args: readonly (string | number)[];
}

/** Whether a record is a plain key of its own, by the first part of its name. */
export function isStandalone(key: StoreKey, families: StandaloneFamilies): boolean {
  return families.some((family) => family === key[0]);
}

/** Returns the key in Redis. Its partition is part of the stored format. */
export function standaloneKey(key: StoreKey): string {
  const text = encodeKey(key);
  return keyIn(partitionTag(partitionOfText(text)), "r", text);
}

/**
 * Returns the commit of a standalone record, or `undefined` where it concerns other records.
 *
 * @throws {Error} it concerns a standalone record and another one, or makes two changes to it
 */
export function standaloneCommitOf(
  commit: Commit,
  families: StandaloneFamilies,
): StandaloneCommit | undefined {
  const { checks = [], sets = [], deletes = [] } = commit;
  const keys = [...checks.map(({ key }) => key), ...deletes, ...sets.map(({ key }) => key)];
  const key = keys.find((key) => isStandalone(key, families));
  if (key === undefined) return undefined;
  const isAlone = new Set(keys.map(encodeKey)).size === 1;
  if (!isAlone || checks.length > 1 || sets.length + deletes.length > 1) {
    throw new Error(`Cannot commit a record of '${key[0]}' with anything else: it is standalone`);
  }
  return { key, args: [expectedBy(commit), ...changeOf(commit)] };
}

function expectedBy({ checks: [check] = [] }: Commit): string {
  return check === undefined ? ANY_VERSION : check.version ?? "";
}

function changeOf({ sets: [set] = [], deletes = [] }: Commit): StandaloneCommit["args"] {
  if (set !== undefined) return ["set", encodeValue(set.value), expiry(set.expireInMs)];
  return deletes.length > 0 ? ["delete"] : [];
}
