/**
 * Whether a server is one that notifications may be entrusted to: new enough, never throwing away
 * records to make room, and keeping on disk what it was told. Decides by what `INFO` and `CONFIG`
 * say; what to do about a finding is for the start of the service and its readiness to say.
 */

import { ServiceError } from "../../core/errors.ts";
import type { Link } from "./routed_link.ts";
import type { Reply } from "../link.ts";

/** Something that is wrong with a server. */
export interface ServerFinding {
  /** `fatal`: nothing works with it. `warning`: what was accepted may be lost. */
  readonly severity: "fatal" | "warning";
  /** Names the server and what to set. */
  readonly message: string;
}

/** What a server says of itself. */
export interface ServerFacts {
  /** `host:port` */
  readonly server: string;
  /** Fields of `INFO`. */
  readonly info: ReadonlyMap<string, string>;
  /** The setting `save`; `undefined` where the server does not tell. */
  readonly save: string | undefined;
}

/** `XAUTOCLAIM`, `ZRANGESTORE`, `GETEX` and the like came with it. */
const OLDEST = [6, 2] as const;

/**
 * Looks at every server that holds keys.
 *
 * @throws {ServiceError} `store_unavailable`
 */
export async function checkServers(link: Pick<Link, "each">): Promise<readonly ServerFinding[]> {
  const [infos, saves] = await Promise.all([link.each(["INFO"]), saveOf(link)]);
  return infos.flatMap(({ server, reply }) => {
    return findingsOf({ server, info: parseInfo(String(reply)), save: saves.get(server) });
  });
}

/** What is wrong with a server, by what it says. */
export function findingsOf(facts: ServerFacts): readonly ServerFinding[] {
  return [versionFinding(facts), roleFinding(facts), evictionFinding(facts), diskFinding(facts)]
    .filter((finding) => finding !== undefined);
}

/** The fields of an answer to `INFO`, whatever the section. */
export function parseInfo(text: string): ReadonlyMap<string, string> {
  const fields = new Map<string, string>();
  for (const line of text.split(/\r?\n/)) {
    const colon = line.indexOf(":");
    if (colon > 0 && !line.startsWith("#")) fields.set(line.slice(0, colon), line.slice(colon + 1));
  }
  return fields;
}

function versionFinding({ server, info }: ServerFacts): ServerFinding | undefined {
  // Valkey began where Redis 7.2 was.
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
    // The node could only say no to everything; the operator can mend it while it works.
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

/** The setting by server; empty where the service offers no `CONFIG`, as managed ones do. */
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
