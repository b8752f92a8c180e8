/** What publishers were answered, and whether sockets outlived the absence of Redis. */

import { fault, type Finding, told } from "./_finding.ts";
import { isOfRedis, lies, overlap } from "./_spans.ts";
import { trackOf } from "./plan.ts";
import type { Answer, ClientStory, Story } from "./story.ts";

/** Answers to requests that were under way when a node was killed, or Redis came back. */
const AFTERMATH_MS = { kill: 2_000, redis: 5_000 };

/** See the file's comment. */
export function judgePublishers(story: Story): readonly Finding[] {
  const { answers, troubles, noneReady } = story;
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
    told("attempts to publish", answers.length),
    told("  broken connections and timeouts", answers.filter(({ status }) => status === 0).length),
    told("  409: the same request is under way", count(answers, 409)),
    told("  429: too many", count(answers, 429)),
    told("  5xx: Redis away, a node killed, or no node ready", excused.length),
    fault("5xx at any other time", faults.map(named)),
    fault("refused for good", odd.map(named)),
    told("503 while Redis was away", refusedAway.length),
    fault("  without Retry-After", refusedAway.filter((a) => !a.retryAfter).map(named)),
    fault("sockets closed for no other cause than Redis", closedForRedis(story)),
  ];
}

/** Sockets that closed while Redis was away, where nothing else had happened to them. */
function closedForRedis({ clients, troubles, heartbeatMs }: Story): readonly string[] {
  const redisAway = troubles.filter(isOfRedis);
  const others = troubles.filter((trouble) => !isOfRedis(trouble));
  function isExplained({ name }: ClientStory, at: number): boolean {
    return others.some((trouble) => {
      const { whom, from, to } = trouble;
      const isItsOwn = trackOf(trouble).startsWith("node") || name === `c${whom}`;
      return isItsOwn && at >= from && at <= to + heartbeatMs + AFTERMATH_MS.kill;
    });
  }
  return clients.flatMap((client) =>
    // The last one lasts to the end of the run.
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

function named({ from, to, status, code }: Answer): string {
  return `${status} ${code ?? ""} to a request from ${Math.round(from)} to ${Math.round(to)} ms`;
}
