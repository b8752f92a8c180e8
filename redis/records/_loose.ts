/**
 * Loose records: those of families whose records are only ever read, checked and changed by name,
 * each alone in its commit. Nothing ties them to one slot, so they spread over the partitions, and
 * with them over the masters of a Cluster; Redis ends them by itself, and they are in no list.
 */

import type { Commit, StoreKey } from "../../core/store.ts";
import { encodeKey } from "../../store/mod.ts";
import { keyIn, partitionOfText, partitionTag } from "../keys.ts";
import { ANY_VERSION, expiry } from "./_scripts.ts";
import { encodeValue } from "./_values.ts";

/** First parts of the keys of loose records. */
export type Families = readonly string[];

/** What a commit does to the one record that it is about. */
interface LooseCommit {
  readonly key: StoreKey;
  /** Those of the script. */
  readonly args: readonly (string | number)[];
}

export function isLoose(key: StoreKey, families: Families): boolean {
  return families.some((family) => family === key[0]);
}

/** The key in Redis. Its partition is part of the data's format. */
export function looseKey(key: StoreKey): string {
  const text = encodeKey(key);
  return keyIn(partitionTag(partitionOfText(text)), "r", text);
}

/**
 * The commit of a loose record, or `undefined` where it is about others.
 *
 * @throws {Error} it is about a loose record and something else, or does two things to it.
 */
export function looseCommitOf(commit: Commit, families: Families): LooseCommit | undefined {
  const { checks = [], sets = [], deletes = [] } = commit;
  const keys = [...checks.map(({ key }) => key), ...deletes, ...sets.map(({ key }) => key)];
  const key = keys.find((key) => isLoose(key, families));
  if (key === undefined) return undefined;
  const isAlone = new Set(keys.map(encodeKey)).size === 1;
  if (!isAlone || checks.length > 1 || sets.length + deletes.length > 1) {
    throw new Error(`Cannot commit a record of '${key[0]}' with anything else: it is loose`);
  }
  return { key, args: [expectedBy(commit), ...actOf(commit)] };
}

function expectedBy({ checks: [check] = [] }: Commit): string {
  return check === undefined ? ANY_VERSION : check.version ?? "";
}

function actOf({ sets: [set] = [], deletes = [] }: Commit): LooseCommit["args"] {
  if (set !== undefined) return ["set", encodeValue(set.value), expiry(set.expireInMs)];
  return deletes.length > 0 ? ["delete"] : [];
}
