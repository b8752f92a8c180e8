/**
 * The plan of failures in a run: made from a seed alone, so that a run can be repeated. The nodes,
 * Redis and each client have a track of their own; tracks are independent, so that now and then
 * everything fails at once.
 */

import { seeded } from "../tests/support/seeded.ts";

/** Every kind of failure, and its description. */
export const KINDS = {
  "kill": "kill -9 of node",
  "term": "SIGTERM to node",
  "drain": "drain of node",
  "pause": "SIGSTOP of node",
  "redis-kill": "kill -9 of Redis",
  "redis-stop": "stop of Redis",
  "redis-pause": "SIGSTOP of Redis",
  "cut": "connections cut of client",
  "vanish": "connections lost unnoticed by the node of client",
  "slow": "nothing read by client",
} as const;

/** A kind of failure, see {@link KINDS}. */
export type Kind = keyof typeof KINDS;

/** One failure. */
export interface Action {
  /** Milliseconds from the start of the run. */
  readonly at: number;
  readonly kind: Kind;
  /** Number of the node or of the client; 0 for Redis. */
  readonly whom: number;
  /** Milliseconds until it is undone. A node that drains first takes its time for that. */
  readonly forMs: number;
}

interface PlanOptions {
  readonly seconds: number;
  readonly nodes: number;
  readonly clients: number;
  /** Whether there is a Redis that can fail. */
  readonly redis: boolean;
  /** Only these kinds; all others are left out without a replacement. */
  readonly only?: ReadonlySet<string>;
}

/** No failure begins within these times of the start and the end of a run. */
const QUIET_MS = { before: 2_000, after: 3_000 };

interface Track {
  readonly kinds: readonly (readonly [Kind, number])[];
  /** Longest durations by kind. */
  readonly upToMs: Readonly<Partial<Record<Kind, number>>>;
  /** From the end of one failure to the start of the next. */
  readonly gapMs: readonly [number, number];
}

const NODE_TRACK: Track = {
  kinds: [["kill", 4], ["pause", 3], ["term", 2], ["drain", 1]],
  // A pause may be longer than the lease, after which other nodes have taken over.
  upToMs: { kill: 3_000, pause: 10_000, term: 1_000, drain: 1_000 },
  gapMs: [5_000, 15_000],
};

const REDIS_TRACK: Track = {
  kinds: [["redis-kill", 3], ["redis-stop", 2], ["redis-pause", 2]],
  upToMs: { "redis-kill": 5_000, "redis-stop": 5_000, "redis-pause": 6_000 },
  gapMs: [8_000, 20_000],
};

const CLIENT_TRACK: Track = {
  kinds: [["cut", 6], ["vanish", 3], ["slow", 1]],
  upToMs: { cut: 6_000, vanish: 6_000, slow: 5_000 },
  gapMs: [5_000, 25_000],
};

/** Creates the plan of a run: equal for equal arguments, in the order of time. */
export function planOf(seed: number, options: PlanOptions): readonly Action[] {
  const { nodes, clients, redis, only } = options;
  const each = (name: string, count: number, track: Track) =>
    Array.from({ length: count }, (_, whom) => {
      const random = seeded(seedOf(seed, `${name} ${whom}`));
      return actionsOf(track, { whom, random, seconds: options.seconds });
    }).flat();
  return [
    ...each("node", nodes, NODE_TRACK),
    ...each("redis", redis ? 1 : 0, REDIS_TRACK),
    ...each("client", clients, CLIENT_TRACK),
  ].filter(({ kind }) => only?.has(kind) ?? true).sort((a, b) => a.at - b.at);
}

/** Describes a failure in one line. */
export function describe({ at, kind, whom, forMs }: Action): string {
  const who = kind.startsWith("redis") ? "" : ` ${whom}`;
  return `${seconds(at).padStart(7)}  ${KINDS[kind]}${who}, for ${seconds(forMs)}`;
}

/** The track of a failure. A track has one failure at a time. */
export function trackOf({ kind, whom }: Pick<Action, "kind" | "whom">): string {
  if (kind.startsWith("redis")) return "redis";
  return CLIENT_TRACK.kinds.some(([one]) => one === kind) ? `client ${whom}` : `node ${whom}`;
}

/** Derives the seed of one track: FNV-1a over its name, starting with the seed. */
export function seedOf(seed: number, name: string): number {
  let hash = 0x811c9dc5 ^ seed;
  for (let at = 0; at < name.length; at++) {
    hash = Math.imul(hash ^ name.charCodeAt(at), 0x01000193);
  }
  // Names that differ in their last character must not give similar seeds (MurmurHash3 finaliser).
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}

function actionsOf(
  { kinds, upToMs, gapMs: [least, most] }: Track,
  { whom, random, seconds }: {
    readonly whom: number;
    readonly random: () => number;
    readonly seconds: number;
  },
): readonly Action[] {
  const actions: Action[] = [];
  const end = seconds * 1000 - QUIET_MS.after;
  // The first one comes sooner, so that short runs have some.
  let at = QUIET_MS.before + random() * most / 2;
  while (at < end) {
    const kind = draw(kinds, random());
    // Most are short; the square leaves a few that are as long as allowed.
    const forMs = Math.round(200 + random() ** 2 * (upToMs[kind]! - 200));
    actions.push({ at: Math.round(at), kind, whom, forMs });
    at += forMs + least + random() * (most - least);
  }
  return actions;
}

/** Picks one of several with weights. */
function draw<T>(weighted: readonly (readonly [T, number])[], random: number): T {
  const total = weighted.reduce((sum, [, weight]) => sum + weight, 0);
  let left = random * total;
  for (const [value, weight] of weighted) {
    if ((left -= weight) < 0) return value;
  }
  return weighted.at(-1)![0];
}

function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(1)} s`;
}
