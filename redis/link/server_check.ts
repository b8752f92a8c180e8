/**
 * Checks by `INFO` and `CONFIG` that a server is new enough, never evicts records, and persists
 * every write. The start of the service and its readiness decide what a finding leads to.
 */

import { ServiceError } from "../../core/errors.ts";
import type { Link } from "./link.ts";
import type { Reply } from "../link.ts";

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
  /** Fields of `INFO`. */
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
export function findingsOf(facts: ServerFacts): readonly ServerFinding[] {
  return [versionFinding(facts), roleFinding(facts), evictionFinding(facts), diskFinding(facts)]
    .filter((finding) => finding !== undefined);
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

function versionFinding({ server, info }: ServerFacts): ServerFinding | undefined {
  // The first version of Valkey is a fork of Redis 7.2.
  if (info.has("valkey_version")) return undefined;
  const version = info.get("redis_version") ?? "";
  const [major = 0, minor = 0] = version.split(".").map(Number);
  if (major > OLDEST[0] || (major === OLDEST[0] && minor >= OLDEST[1])) return undefined;
  return {
    severity: "fatal",
    message: `Redis ${version || "of an unknown version"} at ${server} is too old: ` +
      `at least ${OLDEST.join(".")} is needed, or Valkey`,
  };
}

function roleFinding({ server, info }: ServerFacts): ServerFinding | undefined {
  if (info.get("role") !== "slave") return undefined;
  return {
    severity: "fatal",
    message:
      `Redis at ${server} is a replica, which takes no writes: give the address of its master`,
  };
}

function evictionFinding({ server, info }: ServerFacts): ServerFinding | undefined {
  const policy = info.get("maxmemory_policy");
  if (policy === undefined || policy === "noeviction") return undefined;
  const limited = Number(info.get("maxmemory") ?? 0) > 0;
  return {
    // Not fatal: an operator can change it while the service runs.
    severity: "warning",
    message: `Redis at ${server} ${limited ? "throws" : "would throw"} away records when its ` +
      `memory is full: set maxmemory-policy to noeviction, it is ${policy}`,
  };
}

function diskFinding({ server, info, save }: ServerFacts): ServerFinding | undefined {
  if (info.get("aof_enabled") !== "0" || save === undefined) return undefined;
  return {
    severity: "warning",
    message: save === ""
      ? `Redis at ${server} keeps nothing on disk: accepted notifications are lost when it ` +
        `restarts; set appendonly to yes`
      : `Redis at ${server} writes to disk only from time to time: what was accepted since is ` +
        `lost when it breaks down; set appendonly to yes`,
  };
}

/** Returns the setting `save` by server; empty if `CONFIG` is not allowed, as at managed services. */
async function saveOf(link: Pick<Link, "each">): Promise<ReadonlyMap<string, string>> {
  try {
    const replies = await link.each(["CONFIG", "GET", "save"]);
    return new Map(replies.map(({ server, reply }) => [server, settingOf(reply)]));
  } catch (thrown) {
    const refused = thrown instanceof ServiceError && /NOPERM/.test(thrown.message);
    if (thrown instanceof ServiceError && !refused) throw thrown;
    return new Map();
  }
}

function settingOf(reply: Reply): string {
  return Array.isArray(reply) ? String(reply[1] ?? "") : "";
}
