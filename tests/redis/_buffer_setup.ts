/** Nodes that are alive while a test says so, and links that break and die like their processes. */

import { ServiceError } from "../../core/errors.ts";
import type { RedisLink } from "../../redis/link.ts";
import type { Nodes } from "../../redis/nodes.ts";
import { settle } from "../support/fake_clock.ts";

/** All nodes of a test. Each view of it is up to date. */
export class NodeRegister {
  readonly #alive = new Set<string>();
  #count = 0;

  join(): FakeNode {
    const id = `node${++this.#count}`;
    this.#alive.add(id);
    const listeners: (() => void)[] = [];
    return {
      id,
      leaseMs: 10_000,
      seenAt: (node) => this.#alive.has(node) ? 0 : undefined,
      isAlive: (node) => this.#alive.has(node),
      alive: () => [...this.#alive],
      refresh: () => Promise.resolve(),
      onLapse: (listener) => void listeners.push(listener),
      vanish: () => void this.#alive.delete(id),
      comeBack: () => {
        this.#alive.add(id);
        for (const listener of listeners) listener();
      },
    };
  }
}

/** A node as the test has it. */
export interface FakeNode extends Nodes {
  /** Others take it for gone. */
  vanish(): void;
  /** It is seen again, and learns that it was not. */
  comeBack(): void;
}

/** A link of one process. */
export interface FlakyLink extends RedisLink {
  /** From now on everything fails, or works again. */
  break(broken: boolean): void;
  /** The answer to what is under way, if it is a script of this name, is lost. Works once. */
  loseAnswer(script: string): void;
  /** Nothing comes back from it any more. */
  kill(): void;
}

/** A link over another one, which stays its owner's. */
export function flakyLink(link: RedisLink, now: () => number = () => link.now()): FlakyLink {
  const listeners: (() => void)[] = [];
  let broken = false;
  let dead = false;
  let lost = "";

  async function through<T>(ask: () => Promise<T>, name = ""): Promise<T> {
    if (dead) return new Promise(() => {});
    if (broken) throw away();
    const answer = await ask();
    if (dead) return new Promise(() => {});
    if (name === "" || name !== lost) return answer;
    lost = "";
    throw away();
  }

  return {
    run: (script, keys, args) => through(() => link.run(script, keys, args), script.name),
    send: (key, command) => through(() => link.send(key, command)),
    dedicated: (key) => link.dedicated(key),
    get isUp() {
      return !broken && !dead && link.isUp;
    },
    onUp(listener) {
      listeners.push(listener);
      link.onUp(() => !dead && listener());
    },
    now,
    get pending() {
      return link.pending;
    },
    break(is) {
      broken = is;
      if (!is) { for (const listener of listeners) listener(); }
    },
    loseAnswer: (script) => void (lost = script),
    kill: () => void (dead = true),
    [Symbol.asyncDispose]: () => Promise.resolve(),
  };
}

function away(): ServiceError {
  return new ServiceError("store_unavailable", "Redis is away", { retryAfterSeconds: 1 });
}

/** Resolves when no command is under way for several turns of the event loop. */
export async function idle(link: RedisLink): Promise<void> {
  for (let quiet = 0; quiet < 4; quiet++) {
    await settle(1);
    if (link.pending > 0) quiet = 0;
  }
}
