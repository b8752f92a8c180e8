import assert from "node:assert/strict";
import { ApiKeys, Sessions } from "../../auth/mod.ts";
import { Attributes } from "../../cascade/mod.ts";
import type { Change, ChangeFeed } from "../../core/change_feed.ts";
import { createIdSource } from "../../core/ids.ts";
import { silentLog } from "../../core/log.ts";
import type { Store } from "../../core/store.ts";
import { followChanges } from "../../service/changes.ts";
import { MemoryStore } from "../../store/mod.ts";
import { CandidateCache, SubscriptionRepository } from "../../subscriptions/mod.ts";
import { FakeClock, settle } from "../support/fake_clock.ts";

const SWITCH = "com.openexchange.pns.transport.websocket.enabled";
const OWNER = { context: "1", user: "3" };

/** Nodes over one store. They publish changes to each other unless `isConnected` is false. */
class Cluster {
  readonly clock = new FakeClock();
  readonly store: Store;
  isUnavailable = false;
  isConnected = true;
  readonly #listeners = new Map<object, (change: Change) => void>();

  constructor() {
    const memory = new MemoryStore({ clock: this.clock });
    this.store = new Proxy(memory, {
      get: (_, name: keyof Store) => {
        if (name === "traits") return { ...memory.traits, shared: true };
        if (this.isUnavailable) throw new Error("away");
        return (memory[name] as (...args: unknown[]) => unknown).bind(memory);
      },
    });
  }

  node() {
    const { store, clock } = this;
    const self = {};
    const feed: ChangeFeed = {
      publish: (change) => {
        if (!this.isConnected) return;
        for (const [node, listener] of this.#listeners) {
          if (node !== self) listener(change);
        }
      },
      onChange: (listener) => void this.#listeners.set(self, listener),
    };
    const { publish: onChanged } = feed;
    const attributes = new Attributes({ store, onChanged });
    const candidates = new CandidateCache(store);
    const keys = new ApiKeys({ store, clock, onChanged });
    const sessions = new Sessions({ store, clock, onChanged });
    const random = () => 0.5;
    const repository = new SubscriptionRepository({
      ...{
        store,
        candidates,
        clock,
        random,
        newId: createIdSource(clock),
        onChanged,
      },
    });
    const closed: string[] = [];
    sessions.onRevoked((id) => closed.push(id));
    const following = followChanges(
      feed,
      { attributes, candidates, keys, sessions },
      { clock, random, log: silentLog },
    );
    return {
      ...{ attributes, candidates, keys, sessions, repository, closed },
      /** Passes a change to this node as if another node had published it. */
      receive: (change: Change) => this.#listeners.get(self)!(change),
      [Symbol.dispose]: () => following[Symbol.dispose](),
    };
  }
}

type Node = ReturnType<Cluster["node"]>;

async function topics({ candidates }: Node): Promise<readonly string[]> {
  return (await candidates.load(OWNER)).flatMap((each) => each.topics);
}

function remembered({ candidates }: Node): readonly string[] | undefined {
  return candidates.peek("1", "3")?.flatMap((each) => each.topics);
}

function subscribe({ repository }: Node, topic: string) {
  const token = "a".repeat(64);
  const request = {
    ...OWNER,
    client: "c",
    transport: "apn",
    token,
    topics: [topic],
  } as const;
  return repository.subscribe(request);
}

Deno.test("attributes that another node changes take effect here", async () => {
  const cluster = new Cluster();
  using a = cluster.node();
  using b = cluster.node();
  const readBoth = async () => {
    const { context, user } = await b.attributes.lookUp("1", "3");
    return [context?.attributes[SWITCH], user?.attributes[SWITCH]];
  };
  assert.deepEqual(await readBoth(), [undefined, undefined]);
  await a.attributes.contexts.replace({ context: "1" }, { attributes: { [SWITCH]: false } });
  await a.attributes.users.replace(OWNER, { attributes: { [SWITCH]: true } });
  assert.deepEqual(await readBoth(), ["false", "true"]);
  await a.attributes.contexts.delete({ context: "1" });
  await a.attributes.users.delete({ context: "1", user: "3" });
  assert.deepEqual(await readBoth(), [undefined, undefined]);
});

Deno.test("a subscription that another node stores takes effect here", async () => {
  const cluster = new Cluster();
  using a = cluster.node();
  using b = cluster.node();
  assert.deepEqual(await topics(b), []);
  await subscribe(a, "x");
  assert.deepEqual(await topics(b), ["x"]);
});

Deno.test("a key that another node creates or revokes takes effect here", async () => {
  const cluster = new Cluster();
  using a = cluster.node();
  using b = cluster.node();
  const { key, secret } = await a.keys.create({
    name: "k",
    scopes: ["publish"],
  });
  await settle();
  assert.ok(b.keys.verify(secret));
  await a.keys.revoke(key.id);
  await settle();
  assert.equal(b.keys.verify(secret), undefined);
});

Deno.test("a session that another node revokes ends here, and its sockets are closed", async () => {
  const cluster = new Cluster();
  using a = cluster.node();
  using b = cluster.node();
  const { session, token } = await a.sessions.create(OWNER);
  assert.ok(await b.sessions.verify(token));
  await a.sessions.revoke(session.id);
  assert.equal(await b.sessions.verify(token), undefined);
  assert.deepEqual([a.closed, b.closed], [[session.id], [session.id]]);
});

Deno.test("after a gap everything is read again, and sessions that were revoked meanwhile end", async () => {
  const cluster = new Cluster();
  using a = cluster.node();
  using b = cluster.node();
  const { session, token } = await a.sessions.create(OWNER);
  const jwt = `jwt_${"x".repeat(43)}`;
  await b.sessions.verify(token);
  await b.attributes.lookUp("1", "3");
  await topics(b);
  cluster.isConnected = false;
  await subscribe(a, "x");
  const { secret } = await a.keys.create({ name: "k", scopes: ["publish"] });
  await a.attributes.users.replace(OWNER, { attributes: { [SWITCH]: true } });
  await a.sessions.revoke(session.id);
  await a.sessions.revoke(jwt);
  assert.deepEqual(remembered(b), []);

  b.receive({ kind: "unknown" });
  await settle();
  assert.deepEqual(await topics(b), ["x"]);
  assert.ok(b.keys.verify(secret));
  assert.equal(
    (await b.attributes.lookUp("1", "3")).user?.attributes[SWITCH],
    "true",
  );
  assert.equal(await b.sessions.verify(token), undefined);
  assert.deepEqual(b.closed.toSorted(), [jwt, session.id].toSorted());
});

Deno.test("a change whose message was lost takes effect after some minutes", async () => {
  const cluster = new Cluster();
  using a = cluster.node();
  using b = cluster.node();
  await topics(b);
  cluster.isConnected = false;
  await subscribe(a, "x");
  await cluster.clock.advance(590_000);
  assert.deepEqual(remembered(b), []);
  await cluster.clock.advance(20_000);
  assert.equal(remembered(b), undefined);
});

Deno.test("a change that cannot be applied because the store is unavailable is applied later", async () => {
  const cluster = new Cluster();
  using a = cluster.node();
  using b = cluster.node();
  cluster.isConnected = false;
  const { secret } = await a.keys.create({ name: "k", scopes: ["publish"] });
  cluster.isUnavailable = true;
  b.receive({ kind: "apiKeys" });
  await settle();
  cluster.isUnavailable = false;
  assert.equal(b.keys.verify(secret), undefined);
  await cluster.clock.advance(3_000);
  assert.ok(b.keys.verify(secret));
});

Deno.test("no timer is left after disposal", async () => {
  const cluster = new Cluster();
  const node = cluster.node();
  node[Symbol.dispose]();
  node.receive({ kind: "unknown" });
  await settle();
  assert.equal(cluster.clock.timers, 0);
});
