/**
 * Checks by `INFO` and `CONFIG` that a server is new enough, never evicts records, and persists
 * every write. The start of the service and its readiness decide what a finding leads to.
 */

import { ServiceError } from "../../core/errors.ts";
import type { Link } from "./link.ts";
import { listOf } from "../link.ts";

/** A problem of a server. */
export interface ServerFinding {
  /** `fatal`: the service does not work. `warning`: accepted notifications may be lost. */
  readonly severity: "fatal" | "warning";
  /** Says which server it is and what to set. */
  readonly message: string;
}

interface ServerFacts {
  /** `host:port` */
  readonly server: string;
  readonly info: ReadonlyMap<string, string>;
  /** The setting `save`; `undefined` if the server does not allow reading it. */
  readonly save: string | undefined;
}

/** The first version with `XAUTOCLAIM`, `ZRANGESTORE` and `GETEX`. */
const OLDEST = [6, 2] as const;

/**
 * Checks every master.
 *
 * @throws {ServiceError} `store_unavailable`
 */
export async function checkServers(link: Pick<Link, "each">): Promise<readonly ServerFinding[]> {
  const [infos, saves] = await Promise.all([link.each(["INFO"]), saveOf(link)]);
  return infos.flatMap(({ server, reply }) => {
    return findingsOf({ server, info: parseInfo(String(reply)), save: saves.get(server) });
  });
}

/** Returns the problems of a server. */
export function findingsOf({ server, info, save }: ServerFacts): readonly ServerFinding[] {
  const findings: ServerFinding[] = [];
  const find = (severity: ServerFinding["severity"], message: string) =>
    findings.push({ severity, message });
  if (!isNewEnough(info)) {
    const version = info.get("redis_version") || "of an unknown version";
    find(
      "fatal",
      `Redis ${version} at ${server} is too old: at least ${OLDEST.join(".")} is needed, or Valkey`,
    );
  }
  if (info.get("role") === "slave") {
    find(
      "fatal",
      `Redis at ${server} is a replica, which takes no writes: give the address of its master`,
    );
  }
  const policy = info.get("maxmemory_policy") ?? "noeviction";
  if (policy !== "noeviction") {
    const verb = Number(info.get("maxmemory") ?? 0) > 0 ? "throws" : "would throw";
    // Not fatal: an operator can change it while the service runs.
    find(
      "warning",
      `Redis at ${server} ${verb} away records when its memory is full: set maxmemory-policy to ` +
        `noeviction, it is ${policy}`,
    );
  }
  if (info.get("aof_enabled") === "0" && save !== undefined) {
    find(
      "warning",
      save === ""
        ? `Redis at ${server} keeps nothing on disk: accepted notifications are lost when it ` +
          `restarts; set appendonly to yes`
        : `Redis at ${server} writes to disk only from time to time: what was accepted since is ` +
          `lost when it breaks down; set appendonly to yes`,
    );
  }
  return findings;
}

/** Parses a reply to `INFO`. */
export function parseInfo(text: string): ReadonlyMap<string, string> {
  const fields = new Map<string, string>();
  for (const line of text.split(/\r?\n/)) {
    const colon = line.indexOf(":");
    if (colon > 0 && !line.startsWith("#")) fields.set(line.slice(0, colon), line.slice(colon + 1));
  }
  return fields;
}

function isNewEnough(info: ServerFacts["info"]): boolean {
  // The first version of Valkey is a fork of Redis 7.2.
  if (info.has("valkey_version")) return true;
  const [major = 0, minor = 0] = (info.get("redis_version") ?? "").split(".").map(Number);
  return major > OLDEST[0] || (major === OLDEST[0] && minor >= OLDEST[1]);
}

/** Returns the setting `save` by server; empty if `CONFIG` is not allowed, as at managed services. */
async function saveOf(link: Pick<Link, "each">): Promise<ReadonlyMap<string, string>> {
  try {
    const replies = await link.each(["CONFIG", "GET", "save"]);
    return new Map(replies.map(({ server, reply }) => [server, String(listOf(reply)[1] ?? "")]));
  } catch (thrown) {
    const refused = thrown instanceof ServiceError && /NOPERM/.test(thrown.message);
    if (thrown instanceof ServiceError && !refused) throw thrown;
    return new Map();
  }
}
