/**
 * Explain and delivery on the same random configurations, context sets, attributes, subscriptions
 * and sockets: what explain says would happen is what the ledger then says has happened.
 */

import assert from "node:assert/strict";
import fc from "fast-check";
import { ENABLED_KEYS } from "../../cascade/mod.ts";
import { createIdSource } from "../../core/ids.ts";
import type { Presence } from "../../core/events.ts";
import type { LedgerRecord, TargetRecord } from "../../core/ledger.ts";
import { silentLog } from "../../core/log.ts";
import type { Notification } from "../../core/notification.ts";
import type { Target, TransportName } from "../../core/subscription.ts";
import { createDispatch } from "../../delivery/dispatch.ts";
import { createExplain, type Explanation } from "../../delivery/mod.ts";
import { Ledger, recordOf } from "../../delivery/ledger.ts";
import type { Sender } from "../../delivery/sender.ts";
import { MemoryStore } from "../../store/mod.ts";
import { CandidateCache, createMatcher, SubscriptionRepository } from "../../subscriptions/mod.ts";
import { testCascade } from "../cascade/support.ts";
import { settle } from "../support/fake_clock.ts";

const USER = { context: "1", user: "3" };
const CLIENTS = ["app", "phone", "open-xchange-appsuite"] as const;
const STORED = ["apn", "gcm", "wns", "webpush"] as const;
const TOPICS = ["ox:mail:new", "ox:mail:flags", "ox:calendar:updates"] as const;
const PATTERNS = [...TOPICS, "ox:mail:*", "*"] as const;
const TAGS = ["1", "ucWebMail", "premium", "acme", "added", "nobody"] as const;

const key = fc.tuple(
  fc.constantFrom(...Object.values(ENABLED_KEYS)),
  fc.option(fc.constantFrom(...CLIENTS), { nil: undefined }),
  fc.option(fc.constantFrom(...TOPICS), { nil: undefined }),
).map(([key, client, topic]) =>
  [key, client, client === undefined ? undefined : topic].filter(Boolean).join(".")
);
const settings = fc.dictionary(key, fc.boolean(), { maxKeys: 6 });

const tag = fc.tuple(fc.boolean(), fc.constantFrom(...TAGS)).map(([not, tag]) =>
  not ? `!${tag}` : tag
);
const expression = fc.tuple(tag, fc.constantFrom("&", "|"), tag)
  .map(([one, operator, other]) => `${one} ${operator} (${other})`);
const contextSet = fc.record({ expression, adds: fc.boolean(), settings });

const subscription = fc.record({
  client: fc.constantFrom(...CLIENTS),
  transport: fc.constantFrom(...STORED),
  topics: fc.uniqueArray(fc.constantFrom(...PATTERNS), { minLength: 1, maxLength: 2 }),
});
const socket = fc.record({
  client: fc.constantFrom(...CLIENTS),
  id: fc.constantFrom("one", "two", "source"),
  open: fc.boolean(),
});

const world = fc.record({
  server: settings,
  sets: fc.array(contextSet, { maxLength: 3 }),
  ofContext: settings,
  ofUser: settings,
  permissions: fc.subarray(["ucWebMail", "ucCalendar"]),
  subscriptions: fc.array(subscription, { maxLength: 6 }),
  sockets: fc.array(socket, { maxLength: 4 }),
  interests: fc.dictionary(
    fc.constantFrom(...CLIENTS),
    fc.subarray([...PATTERNS], { minLength: 1, maxLength: 2 }),
  ),
  served: fc.uniqueArray(fc.constantFrom(...CLIENTS)),
  topic: fc.constantFrom(...TOPICS),
  sourceToken: fc.option(fc.constantFrom("source", "token-0", "token-1"), { nil: undefined }),
});
type World = typeof world extends fc.Arbitrary<infer W> ? W : never;

Deno.test("explain says what delivery does, whatever is configured, subscribed and open", async () => {
  await fc.assert(
    fc.asyncProperty(world, async (given) => {
      await using t = await testCascade(filesOf(given));
      await t.attributes.contexts.replace({ context: "1" }, {
        name: "acme",
        attributes: { ...given.ofContext, "taxonomy/types": "premium" },
      });
      await t.attributes.users.replace(USER, {
        permissions: given.permissions,
        attributes: given.ofUser,
      });
      const { explanation, record, enabled } = await both(given, t);
      assert.deepEqual(statesOf(explanation), recordedStates(record));
      assert.equal(record.reason, explanation.targets.length === 0 ? "no_subscription" : undefined);
      for (const { target, trail } of explanation.targets) {
        const [chosen, ...others] = trail.filter((step) => step.chosen);
        assert.equal(others.length, 0);
        assert.equal(chosen!.value, String(enabled(target)));
      }
      assertAllAccountedFor(given, explanation);
    }),
    { numRuns: 300 },
  );
});

async function both(given: World, t: Awaited<ReturnType<typeof testCascade>>) {
  const { clock, cascade } = t;
  const store = new MemoryStore({ clock });
  const candidates = new CandidateCache(store);
  const newId = createIdSource(clock);
  const repository = new SubscriptionRepository({
    store,
    candidates,
    clock,
    newId,
    random: () => 0,
  });
  for (const [at, one] of given.subscriptions.entries()) {
    await repository.subscribe({ ...USER, ...one, token: `token-${at}` });
  }
  const interests = (client: string) => given.interests[client as typeof CLIENTS[number]] ?? [];
  const matcher = createMatcher({ candidates, clock, interests });
  const present: readonly Presence[] = given.sockets.map((one) => ({ ...one, socketId: one.id }));
  const serves = (transport: TransportName, client: string) =>
    transport === "websocket" || given.served.includes(client as typeof CLIENTS[number]);
  const notification: Notification = {
    ...{ ...USER, id: newId(), topic: given.topic, data: "{}", priority: "high", acceptedAt: 0 },
    ...given.sourceToken !== undefined && { sourceToken: given.sourceToken },
  };

  const explain = createExplain({
    ...{ matching: matcher, interests, serves, clock, transports: new Map() },
    snapshot: () => cascade.current(),
    presence: () => present,
    subscriptions: async (owner) => (await repository.list({ ...owner, limit: 1000 })).items,
    generate: ({ id, topic }) => ({ id, topic, data: {}, priority: "high", silent: true }),
    breaker: () => undefined,
  });
  const explanation = await explain(notification);

  const records: LedgerRecord[] = [];
  const ledger = new Ledger(
    {
      settle: (record) => (records.push(record), []),
      amend: () => Promise.resolve(false),
      cancel: () => Promise.resolve(),
      record: () => Promise.resolve(undefined),
    },
    { target() {}, settled() {}, reopened() {}, acknowledged() {}, received() {} },
  );
  const sender = {
    deliver: (_: Notification, target: Target) =>
      Promise.resolve(recordOf(target, { state: "sent", at: 0 })),
  } as unknown as Sender;
  const dispatch = createDispatch({
    ...{ matching: matcher, sender, ledger, clock, serves, log: silentLog },
    sockets: { presence: () => [present], publish: () => Promise.resolve(new Set()) },
    configuration: () => cascade.current(),
    digests: { hold: () => assert.fail("there are no quiet hours") },
    inbox: { add: () => assert.fail("nobody has an inbox") },
    ids: () => "an id",
    release: () => assert.fail("nothing is released"),
  });
  await dispatch([notification], { isRepeat: false });
  await settle();
  const view = await cascade.current().view(USER.context, USER.user);
  const enabled = ({ transport, client }: Target) => view.enabled(transport, client, given.topic);
  assert.equal(records.length, 1);
  return { explanation, record: records[0]!, enabled };
}

function filesOf({ server, sets }: World): Readonly<Record<string, string>> {
  const properties = Object.entries(server).map(([name, value]) => `${name}=${value}\n`);
  const entries = sets.map(({ expression, adds, settings }, at) =>
    [
      `set${at}:`,
      `  withTags: "${expression}"`,
      ...adds ? ["  addTags: added"] : [],
      ...Object.entries(settings).map(([name, value]) => `  "${name}": ${value}`),
    ].join("\n")
  );
  return {
    "pns.properties": properties.join("").replaceAll(":", "\\:"),
    ...entries.length > 0 && { "contextSets/random.yml": `${entries.join("\n")}\n` },
  };
}

function statesOf({ targets }: Explanation): readonly string[] {
  return targets.map(({ target, step }) =>
    lineOf({
      client: target.client,
      transport: target.transport,
      subscription: target.subscriptionId,
      state: step.state ?? "sent",
    })
  ).sort();
}

function recordedStates({ targets }: LedgerRecord): readonly string[] {
  return targets.map(lineOf).sort();
}

function lineOf(
  { client, transport, subscription, state }:
    & Pick<TargetRecord, "client" | "transport" | "state">
    & { readonly subscription?: string | undefined },
): string {
  return `${transport} ${client} ${subscription ?? "sockets"} ${state}`;
}

/** Every subscription and every connected client is a target, or it is said why it is none. */
function assertAllAccountedFor({ subscriptions, sockets }: World, explanation: Explanation): void {
  const { targets, absent } = explanation;
  const stored = targets.filter(({ target }) => target.subscriptionId !== undefined).length +
    absent.filter(({ subscription }) => subscription !== undefined).length;
  assert.equal(stored, subscriptions.length);
  assert.equal(absent.some(({ code }) => code === "no_subscription"), subscriptions.length === 0);
  const clients = targets.filter(({ target }) => target.transport === "websocket").length +
    absent.filter(({ code }) => code === "topic_not_delivered").length;
  assert.equal(clients, new Set(sockets.map(({ client }) => client)).size);
  assert.equal(absent.some(({ code }) => code === "no_socket"), sockets.length === 0);
}
