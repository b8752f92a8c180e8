import assert from "node:assert/strict";
import { Attributes } from "../../cascade/mod.ts";
import { ServiceError } from "../../core/errors.ts";
import type { Store } from "../../core/store.ts";
import { MemoryStore } from "../../store/mod.ts";
import { FakeClock, settle } from "../support/fake_clock.ts";
import { testCascade } from "./support.ts";

const SOCKETS = "com.openexchange.websockets.enabled";
const ANNA = { context: "1", user: "3" };

function memoryStore(): Store {
  return new MemoryStore({ clock: new FakeClock() });
}

/** A store that calls back before a read is answered or a commit is made. */
function watchedStore(
  store: Store,
  { onRead = async () => {}, onCommit = async () => {} }: {
    readonly onRead?: () => Promise<void>;
    readonly onCommit?: () => Promise<void>;
  },
): Store {
  return {
    traits: store.traits,
    get: (key) => store.get(key),
    list: (range) => store.list(range),
    async getMany<T>(keys: Parameters<Store["getMany"]>[0]) {
      const entries = await store.getMany<T>(keys);
      await onRead();
      return entries;
    },
    async commit(commit) {
      await onCommit();
      return await store.commit(commit);
    },
    [Symbol.asyncDispose]: () => store[Symbol.asyncDispose](),
  };
}

function faultsOf(work: Promise<unknown>): Promise<readonly string[]> {
  return work.then(() => assert.fail("nothing was refused"), (thrown) => {
    assert.ok(thrown instanceof ServiceError);
    assert.equal(thrown.code, "invalid_request");
    return thrown.faults.map(({ path, message }) => `${path} ${message}`);
  });
}

Deno.test("what is written can be read, as texts under canonical names", async () => {
  const attributes = new Attributes({ store: memoryStore() });
  await attributes.users.replace(ANNA, {
    permissions: ["ucWebMail", "ucWebMail"],
    attributes: {
      [SOCKETS]: false,
      "com.openexchange.pns.transport.fcm.enabled.app.ox:mail:new": "true",
    },
  });
  assert.deepEqual(await attributes.users.get(ANNA), {
    version: 1,
    permissions: ["ucWebMail"],
    attributes: {
      [SOCKETS]: "false",
      "com.openexchange.pns.transport.gcm.enabled.app.ox:mail:new": "true",
    },
  });
  await attributes.contexts.replace({ context: "1" }, {
    name: "acme",
    attributes: { "taxonomy/types": "gold" },
  });
  assert.deepEqual(await attributes.contexts.get({ context: "1" }), {
    version: 1,
    name: "acme",
    attributes: { "taxonomy/types": "gold" },
  });
});

Deno.test("a patch changes what it names, and null removes", async () => {
  const attributes = new Attributes({ store: memoryStore() });
  const sound = "com.openexchange.pns.mobile.api.facade.apn.sound.filename";
  await attributes.contexts.replace({ context: "1" }, {
    name: "acme",
    attributes: { [SOCKETS]: true },
  });
  await attributes.contexts.patch({ context: "1" }, { attributes: { [sound]: "ding" } });
  assert.deepEqual(
    await attributes.contexts.patch({ context: "1" }, {
      name: null,
      attributes: { [SOCKETS]: null },
    }),
    {
      version: 1,
      attributes: { [sound]: "ding" },
    },
  );
  await attributes.users.patch(ANNA, { permissions: ["ucTasks"] });
  assert.deepEqual(await attributes.users.patch(ANNA, { attributes: { [SOCKETS]: "true" } }), {
    version: 1,
    permissions: ["ucTasks"],
    attributes: { [SOCKETS]: "true" },
  });
});

Deno.test("an alias in a patch removes what stands under the key", async () => {
  const attributes = new Attributes({ store: memoryStore() });
  await attributes.contexts.replace({ context: "1" }, {
    attributes: { "com.openexchange.pns.transport.gcm.enabled": true },
  });
  const patch = { attributes: { "com.openexchange.pns.transport.fcm.enabled": null } };
  assert.deepEqual((await attributes.contexts.patch({ context: "1" }, patch)).attributes, {});
});

Deno.test("unknown names, wrong values and server keys are refused together", async () => {
  const attributes = new Attributes({ store: memoryStore() });
  const faults = await faultsOf(attributes.contexts.replace({ context: "1" }, {
    name: "a b",
    attributes: {
      "com.openexchange.websockets.enabeld": true,
      [SOCKETS]: "perhaps",
      "com.openexchange.pns.delayDuration": 5,
    },
  }));
  assert.deepEqual(faults, [
    "name must be up to 255 characters that are allowed in a tag",
    `attributes["com.openexchange.websockets.enabeld"] is not known; did you mean '${SOCKETS}'?`,
    `attributes["${SOCKETS}"] '${SOCKETS}' must be 'true' or 'false', not 'perhaps'`,
    'attributes["com.openexchange.pns.delayDuration"] can be set for the server only',
  ]);
  assert.equal(await attributes.contexts.get({ context: "1" }), undefined);
});

Deno.test("a key and its alias cannot be set together, nor a taxonomy for a user", async () => {
  const attributes = new Attributes({ store: memoryStore() });
  const faults = await faultsOf(attributes.users.replace(ANNA, {
    permissions: ["4711"],
    attributes: {
      "com.openexchange.pns.transport.gcm.enabled": true,
      "com.openexchange.pns.transport.fcm.enabled": false,
      "taxonomy/types": "gold",
    },
  }));
  assert.equal(faults.length, 3);
});

Deno.test("too many attributes and too long ones are refused", async () => {
  const attributes = new Attributes({ store: memoryStore() });
  const name = (index: number) => `com.openexchange.pns.transport.gcm.enabled.client${index}`;
  const many = Object.fromEntries(Array.from({ length: 201 }, (_, index) => [name(index), true]));
  assert.equal((await faultsOf(attributes.users.replace(ANNA, { attributes: many }))).length, 1);
  const long = { "com.openexchange.config.cascade.types": "x".repeat(1025) };
  assert.equal((await faultsOf(attributes.users.replace(ANNA, { attributes: long }))).length, 1);
});

Deno.test("deleting returns whether there was a record", async () => {
  const attributes = new Attributes({ store: memoryStore() });
  await attributes.contexts.replace({ context: "1" }, { attributes: { [SOCKETS]: false } });
  await attributes.users.replace(ANNA, { attributes: { [SOCKETS]: false } });
  assert.equal(await attributes.contexts.delete({ context: "1" }), true);
  assert.equal(await attributes.contexts.delete({ context: "1" }), false);
  assert.equal(await attributes.users.delete(ANNA), true);
  assert.equal(await attributes.users.delete(ANNA), false);
});

Deno.test("a change takes effect at once, in the cache and in an existing snapshot", async () => {
  await using t = await testCascade();
  const snapshot = t.cascade.current();
  const value = async () => (await snapshot.view("1", "3")).get(SOCKETS);
  assert.equal(await value(), true);
  await t.attributes.users.replace(ANNA, { attributes: { [SOCKETS]: false } });
  assert.equal(await value(), false);
  await t.attributes.users.patch(ANNA, { attributes: { [SOCKETS]: null } });
  assert.equal(await value(), true);
  await t.attributes.contexts.replace({ context: "1" }, { attributes: { [SOCKETS]: false } });
  assert.equal(await value(), false);
  await t.attributes.contexts.delete({ context: "1" });
  assert.equal(await value(), true);
});

Deno.test("attributes outlive the process", async () => {
  const store = memoryStore();
  await new Attributes({ store }).users.replace(ANNA, { attributes: { [SOCKETS]: false } });
  await using t = await testCascade({}, { store });
  assert.equal((await t.cascade.current().view("1", "3")).get(SOCKETS), false);
});

Deno.test("users that are asked for at the same time are read once", async () => {
  let reads = 0;
  const store = watchedStore(memoryStore(), { onRead: () => (reads++, Promise.resolve()) });
  const attributes = new Attributes({ store });
  await Promise.all([1, 2, 3].map(() => attributes.lookUp("1", "3")));
  assert.deepEqual(attributes.lookUp("1", "3"), { context: null, user: null });
  assert.equal(reads, 1);
});

Deno.test("a read that a write overtakes does not bring back the old record", async () => {
  const gate = Promise.withResolvers<void>();
  const attributes = new Attributes({
    store: watchedStore(memoryStore(), { onRead: () => gate.promise }),
  });
  const reading = attributes.lookUp("1", "3");
  await attributes.users.replace(ANNA, { attributes: { [SOCKETS]: false } });
  gate.resolve();
  await reading;
  const owner = await attributes.lookUp("1", "3");
  assert.deepEqual(owner.user?.attributes, { [SOCKETS]: "false" });
});

Deno.test("a read that the deletion of a context overtakes does not return its old record", async () => {
  const gate = Promise.withResolvers<void>();
  const store = memoryStore();
  await new Attributes({ store }).contexts.replace(ANNA, { attributes: { [SOCKETS]: false } });
  const attributes = new Attributes({
    store: watchedStore(store, { onRead: () => gate.promise }),
  });
  const reading = attributes.lookUp("1", "3");
  await settle();
  assert.equal(await attributes.contexts.delete(ANNA), true);
  gate.resolve();
  assert.equal((await reading).context, null);
});

Deno.test("writes from several sides at once all take effect", async () => {
  const store = memoryStore();
  const sides = [new Attributes({ store }), new Attributes({ store })];
  const name = (client: number) => `com.openexchange.pns.transport.gcm.enabled.${client}`;
  await Promise.all(
    [0, 1, 2, 3].map((client) =>
      sides[client % 2]!.users.patch(ANNA, { attributes: { [name(client)]: true } })
    ),
  );
  assert.equal(Object.keys((await sides[0]!.users.get(ANNA))!.attributes).length, 4);
});

Deno.test("a record that never holds still is a conflict", async () => {
  const store = memoryStore();
  let round = 0;
  const onCommit = async () => {
    const value = { version: 1, permissions: [], attributes: {}, round: round++ };
    await store.commit({ sets: [{ key: ["config", "user", "1", "3"], value }] });
  };
  const attributes = new Attributes({ store: watchedStore(store, { onCommit }) });
  await assert.rejects(attributes.users.patch(ANNA, {}), { code: "conflict" });
});

Deno.test("after a write of which the result is unknown the record is read again", async () => {
  const store = memoryStore();
  let broken = false;
  const onCommit = () =>
    broken ? Promise.reject(new ServiceError("store_unavailable", "gone")) : Promise.resolve();
  const attributes = new Attributes({ store: watchedStore(store, { onCommit }) });
  await attributes.users.replace(ANNA, { attributes: { [SOCKETS]: false } });
  broken = true;
  await assert.rejects(attributes.users.delete(ANNA), {
    code: "store_unavailable",
  });
  const value = { version: 1, permissions: [], attributes: { [SOCKETS]: "true" } };
  await store.commit({ sets: [{ key: ["config", "user", "1", "3"], value }] });
  const owner = await attributes.lookUp("1", "3");
  assert.deepEqual(owner.user?.attributes, { [SOCKETS]: "true" });
});

Deno.test("only so many users are remembered, and forgotten ones are read again", async () => {
  let reads = 0;
  const store = watchedStore(memoryStore(), { onRead: () => (reads++, Promise.resolve()) });
  const attributes = new Attributes({ store, capacity: 10 });
  for (let user = 0; user < 100; user++) await attributes.lookUp("1", String(user));
  assert.equal(reads, 100);
  assert.ok(attributes.lookUp("1", "0") instanceof Promise);
  assert.ok(!(attributes.lookUp("1", "99") instanceof Promise));
});

Deno.test("a read that another node's change overtakes is neither kept nor shared", async () => {
  const store = memoryStore();
  const reading = Promise.withResolvers<void>();
  const gates = [reading.promise];
  const attributes = new Attributes({
    store: watchedStore(store, { onRead: () => gates.pop() ?? Promise.resolve() }),
  });
  const elsewhere = new Attributes({ store });
  const before = attributes.lookUp("1", "3");
  await elsewhere.users.replace(ANNA, { attributes: { [SOCKETS]: false } });
  attributes.forget("1", "3");
  const after = await attributes.lookUp("1", "3");
  assert.deepEqual(after.user?.attributes, { [SOCKETS]: "false" });
  reading.resolve();
  await before;
  assert.deepEqual((await attributes.lookUp("1", "3")).user, after.user);
});

Deno.test("each record that was or may have been changed is published to other nodes", async () => {
  const changes: unknown[] = [];
  let onCommit = () => Promise.resolve();
  const attributes = new Attributes({
    store: watchedStore(memoryStore(), { onCommit: () => onCommit() }),
    onChanged: (change) => changes.push(change),
  });
  await attributes.contexts.replace({ context: "1" }, { name: "acme" });
  await attributes.users.replace(ANNA, { attributes: {} });
  await attributes.users.delete(ANNA);
  onCommit = () => Promise.reject(new Error("no answer"));
  await assert.rejects(attributes.contexts.delete({ context: "1" }));
  const ofContext = { kind: "attributes", context: "1" };
  const ofUser = { ...ofContext, user: "3" };
  assert.deepEqual(changes, [ofContext, ofUser, ofUser, ofContext]);
});
