/** A whole pipeline in a random world, and explain beside it on the same parts. */

import { LogBuffer } from "../../buffer/mod.ts";
import { createIdSource } from "../../core/ids.ts";
import type { LedgerRecord, TargetRecord } from "../../core/ledger.ts";
import { silentLog } from "../../core/log.ts";
import type { Message } from "../../core/message.ts";
import { createMetrics } from "../../core/metrics.ts";
import type { Transport } from "../../core/transport.ts";
import { type TransportName, TRANSPORTS } from "../../core/subscription.ts";
import {
  createExplain,
  createPipeline,
  type Explain,
  type Pipeline,
  ReceiptTokens,
} from "../../delivery/mod.ts";
import { createMessages } from "../../service/delivery.ts";
import { GroupCommit, MemoryStore } from "../../store/mod.ts";
import { CandidateCache, createMatcher, SubscriptionRepository } from "../../subscriptions/mod.ts";
import { testCascade } from "../cascade/support.ts";
import { settle } from "../support/fake_clock.ts";
import { PUBLISHER } from "../support/pipeline.ts";
import { StubTransport } from "../support/stub_transport.ts";
import { CLIENTS, filesOf, type World } from "./_explained_world.ts";

/** The user of the worlds. */
export const USER = { context: "1", user: "3" };
/** Jobs read the wall clock that often. */
const POLL_MS = 30_000;
const MAX_HOLDS = 5;

/** What delivery made of a notification. */
export interface Delivered {
  readonly record: LedgerRecord;
  /** Every wait that the ledger named on the way, by subscription. */
  readonly holds: ReadonlyMap<string, readonly string[]>;
  /** The messages that arrived, by token. */
  readonly messages: ReadonlyMap<string, Message>;
}

/** A pipeline and explain. */
export interface ExplainedPipeline extends AsyncDisposable {
  readonly explain: Explain;
  readonly now: () => number;
  /** The ids of the subscriptions, in their order. */
  readonly subscriptions: readonly string[];
  readonly cascade: Awaited<ReturnType<typeof testCascade>>["cascade"];
  /** Publishes, and lets time pass until all is settled; nobody acknowledges anything. */
  deliver(data: string): Promise<Delivered>;
}

/** Creates both. */
export async function createExplainedPipeline(given: World): Promise<ExplainedPipeline> {
  const t = await testCascade(filesOf(given));
  const { clock, cascade } = t;
  // A quarter past the minute: no job that runs a moment late is in another minute then.
  clock.jump((given.day * 24 * 60 + given.minute) * 60_000 + 15_000);
  await t.attributes.contexts.replace({ context: "1" }, {
    name: "acme",
    attributes: { ...given.ofContext, "taxonomy/types": "premium" },
  });
  await t.attributes.users.replace(USER, {
    permissions: given.permissions,
    attributes: given.ofUser,
  });
  const store = new MemoryStore({ clock });
  const ids = createIdSource(clock);
  const candidates = new CandidateCache(store);
  const repository = new SubscriptionRepository({
    ...{ store, candidates, clock, newId: ids, random: () => 0 },
  });
  const subscriptions: string[] = [];
  for (const [at, { locale, ...one }] of given.subscriptions.entries()) {
    const { subscription } = await repository.subscribe({
      ...{ ...USER, ...one, token: `token-${at}` },
      ...locale !== undefined && { locale },
    });
    subscriptions.push(subscription.id);
  }
  const interests = (client: string) => given.interests[client as typeof CLIENTS[number]] ?? [];
  const matcher = createMatcher({ candidates, clock, interests });
  const present = given.sockets.map((one) => ({ ...one, socketId: one.id }));
  const { generate, language } = createMessages({ cascade, log: silentLog });
  const stubs = TRANSPORTS.map((name) =>
    new StubTransport(name, name === "websocket" ? CLIENTS : given.served)
  );
  const transports = new Map<TransportName, Transport>(stubs.map((each) => [each.name, each]));
  const group = new GroupCommit(store, { clock });
  const settings = () => cascade.current().settings;
  const yieldToEventLoop = () => settle(1);
  const buffer = new LogBuffer(store, {
    ...{ clock, yieldToEventLoop, retentionMs: () => 86_400_000 },
    settings: () => settings().buffer,
  });
  const pipeline: Pipeline = createPipeline({
    ...{ buffer, store, clock, ids, generate, settings, transports, yieldToEventLoop },
    ...{ metrics: createMetrics(), log: silentLog, random: () => 0.5 },
    commit: (changes) => group.commit(changes),
    inbox: { add: () => Promise.resolve([]) },
    sockets: {
      presence: (users) => users.map(() => present),
      publish: () => Promise.resolve(new Set()),
    },
    subscriptions: {
      match: (notification, connected) => matcher.match(notification, connected),
      prefetch: () => {},
      remove: () => Promise.resolve(false),
      replaceToken: () => Promise.resolve(false),
      async refresh({ subscriptionId }) {
        const found = await repository.get(subscriptionId!);
        return found && { ...found, subscriptionId: found.id };
      },
    },
    receiptTokens: new ReceiptTokens(new Uint8Array(32)),
    readAudience: () => Promise.resolve({ users: [] }),
    configuration: () => cascade.current(),
    fetch: () => Promise.reject(new Error("there is no feedback")),
  });
  await pipeline.start();

  const explain = createExplain({
    ...{ matching: matcher, interests, clock, transports, generate, language },
    serves: pipeline.serves,
    snapshot: () => cascade.current(),
    presence: () => present,
    subscriptions: async (owner) => (await repository.list({ ...owner, limit: 1000 })).items,
    breaker: () => undefined,
  });

  async function pass(ms: number): Promise<void> {
    await clock.advance(ms);
    for (let turn = 0; turn < 10; turn++) await settle();
  }

  async function deliver(data: string): Promise<Delivered> {
    const { topic, sourceToken, priority, ttl, escalate } = given;
    const { ids: [id] } = await pipeline.publish(PUBLISHER, {
      drafts: [{
        ...{ ...USER, topic, data, sourceToken, priority, ttl },
        escalate: escalate === undefined ? undefined : { after: escalate },
      }],
    });
    await pass(0);
    const holds = new Map<string, string[]>();
    for (let round = 0; round < MAX_HOLDS; round++) {
      const found = await pipeline.find(id!);
      if (!found || !("state" in found)) throw new Error("The notification is still in flight");
      const held = found.targets.filter(({ state }) => state === "held");
      for (const target of held) {
        const { subscription } = target;
        const known = holds.get(subscription!) ?? [];
        const hold = holdText(target);
        if (known.at(-1) !== hold) holds.set(subscription!, [...known, hold]);
      }
      if (held.length === 0) {
        const arrived = stubs.flatMap(({ arrivals }) => arrivals);
        const messages = new Map(arrived.map(({ token, message }) => [token, message]));
        return { record: found, holds, messages };
      }
      clock.jump(Math.min(...held.map(({ until }) => until!)) - clock.now());
      await pass(POLL_MS);
    }
    throw new Error("The notification is held again and again");
  }

  return {
    ...{ explain, subscriptions, cascade, deliver, now: () => clock.now() },
    async [Symbol.asyncDispose]() {
      const stopping = pipeline.stop();
      for (let second = 0; second < 30; second++) await clock.advance(1000);
      await stopping;
      await store[Symbol.asyncDispose]();
      await t[Symbol.asyncDispose]();
    },
  };
}

/** A wait as a text that can be compared. */
export function holdText({ reason, until }: Pick<TargetRecord, "reason" | "until">): string {
  return `${reason} until ${new Date(until!).toISOString()}`;
}
