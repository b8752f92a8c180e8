/** Checks the responses to publishers, and that sockets survive an outage of Redis. */

import { fault, type Finding, info } from "./_finding.ts";
import { isOfRedis, lies, overlap } from "./_spans.ts";
import { trackOf } from "./plan.ts";
import type { Answer, ClientRecord, RunRecord } from "./run_record.ts";

/**
 * The time before which a request may have started that was in progress when a node was killed or
 * Redis returned.
 */
const AFTERMATH_MS = { kill: 2_000, redis: 5_000 };

/** Returns the findings about publishers. */
export function judgePublishers(record: RunRecord): readonly Finding[] {
  const { answers, troubles, noneReady } = record;
  const redisAway = troubles.filter(isOfRedis);
  const excuses = [
    ...noneReady,
    ...redisAway.map(({ from, to }) => ({ from, to: to + AFTERMATH_MS.redis })),
    ...troubles.filter(({ kind }) => kind === "kill")
      .map(({ from }) => ({ from, to: from + AFTERMATH_MS.kill })),
  ];
  const failed = answers.filter(({ status }) => status >= 500);
  const [excused, faults] = parted(failed, (answer) => excuses.some((e) => overlap(e, answer)));
  const whileAway = answers.filter((answer) => redisAway.some((span) => lies(answer, span)));
  const refusedAway = whileAway.filter(({ status }) => status === 503);
  const odd = answers.filter(({ status }) => ![0, 202, 409, 429].includes(status) && status < 500);
  return [
    info("attempts to publish", answers.length),
    info("  broken connections and timeouts", answers.filter(({ status }) => status === 0).length),
    info("  409: the same request is in progress", count(answers, 409)),
    info("  429: too many", count(answers, 429)),
    info("  5xx: Redis unavailable, a node killed, or no node ready", excused.length),
    fault("5xx at any other time", faults.map(named)),
    fault("refused permanently", odd.map(named)),
    info("503 while Redis was unavailable", refusedAway.length),
    fault("  without Retry-After", refusedAway.filter((a) => !a.retryAfter).map(named)),
    fault("sockets closed only because of Redis", closedForRedis(record)),
  ];
}

/** The sockets that closed while Redis was unavailable and for no other known reason. */
function closedForRedis({ clients, troubles, heartbeatMs }: RunRecord): readonly string[] {
  const redisAway = troubles.filter(isOfRedis);
  const others = troubles.filter((trouble) => !isOfRedis(trouble));
  function isExplained({ name }: ClientRecord, at: number): boolean {
    return others.some((trouble) => {
      const { whom, from, to } = trouble;
      const isItsOwn = trackOf(trouble).startsWith("node") || name === `c${whom}`;
      return isItsOwn && at >= from && at <= to + heartbeatMs + AFTERMATH_MS.kill;
    });
  }
  return clients.flatMap((client) =>
    // The last span lasts to the end of the run.
    client.connected.slice(0, -1)
      .filter(({ to }) => redisAway.some((span) => to >= span.from && to <= span.to))
      .filter(({ to }) => !isExplained(client, to))
      .map(({ to }) => `${client.name} at ${Math.round(to)} ms`)
  );
}

function count(answers: readonly Answer[], status: number): number {
  return answers.filter((answer) => answer.status === status).length;
}

function parted<T>(all: readonly T[], test: (one: T) => boolean): [T[], T[]] {
  return [all.filter(test), all.filter((one) => !test(one))];
}

function named({ from, to, status, code = "", detail = "" }: Answer): string {
  const time = `from ${Math.round(from)} to ${Math.round(to)} ms`;
  return `${status} ${code} to a request ${time}: ${detail}`;
}
