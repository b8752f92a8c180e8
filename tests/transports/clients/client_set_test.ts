import assert from "node:assert/strict";
import { settle } from "../../support/fake_clock.ts";
import {
  ClientConfigError,
  ClientSet,
  type ConfiguredClient,
  type PreparedClient,
} from "../../../transports/clients/mod.ts";

interface Options {
  readonly enabled?: boolean;
  readonly content: string;
}

interface TestClient extends ConfiguredClient {
  readonly content: string;
  disposed: boolean;
}

function openClient(content: string): TestClient {
  return {
    content,
    disposed: false,
    send: () => Promise.resolve({ kind: "offline" }),
    preview: () => ({ kind: "rejected", reason: "a test has no provider" }),
    [Symbol.asyncDispose]() {
      this.disposed = true;
      return Promise.resolve();
    },
  };
}

function prepare({ content }: Options): Promise<PreparedClient<TestClient>> {
  if (content === "bad") return Promise.reject(new ClientConfigError("is bad", "/etc/file"));
  if (content === "bug") return Promise.reject(new Error("a bug"));
  return Promise.resolve({
    ...{ fingerprint: content, open: () => openClient(content) },
    ...content === "sandbox" && { environment: "sandbox" },
  });
}

function clients(entries: Record<string, Options | string>): ReadonlyMap<string, Options> {
  return new Map(
    Object.entries(entries).map((
      [name, it],
    ) => [name, typeof it === "string" ? { content: it } : it]),
  );
}

Deno.test("ClientSet keeps a client that did not change and replaces one that did", async () => {
  await using set = new ClientSet(prepare);
  await set.configure(clients({ same: "1", changed: "1" }));
  const [same, changed] = [set.get("same"), set.get("changed")];
  await set.configure(clients({ same: "1", changed: "2" }));
  assert.equal(set.get("same"), same);
  assert.equal(same?.disposed, false);
  assert.equal(set.get("changed")?.content, "2");
  assert.equal(changed?.disposed, true);
});

Deno.test("ClientSet leaves an invalid client out, says why, and keeps the others", async () => {
  await using set = new ClientSet(prepare);
  const faults = await set.configure(clients({ good: "1", broken: "bad" }));
  assert.deepEqual(faults, [{ client: "broken", file: "/etc/file", message: "is bad" }]);
  assert.equal(set.has("good"), true);
  assert.equal(set.has("broken"), false);
  assert.deepEqual(set.status(), [
    { client: "broken", ready: false, detail: "/etc/file is bad" },
    { client: "good", ready: true },
  ]);
});

Deno.test("ClientSet says which environment a client sends to", async () => {
  await using set = new ClientSet(prepare);
  await set.configure(clients({ app: "sandbox" }));
  assert.deepEqual(set.status(), [{ client: "app", ready: true, environment: "sandbox" }]);
});

Deno.test("ClientSet closes a client whose new entry is invalid", async () => {
  await using set = new ClientSet(prepare);
  await set.configure(clients({ app: "1" }));
  const before = set.get("app");
  await set.configure(clients({ app: "bad" }));
  assert.equal(set.has("app"), false);
  assert.equal(before?.disposed, true);
});

Deno.test("ClientSet ignores a disabled client and its faults", async () => {
  await using set = new ClientSet(prepare);
  const faults = await set.configure(clients({ app: { enabled: false, content: "bad" } }));
  assert.deepEqual(faults, []);
  assert.deepEqual(set.status(), []);
});

Deno.test("ClientSet changes nothing where preparing hits a bug", async () => {
  await using set = new ClientSet(prepare);
  await set.configure(clients({ app: "1" }));
  await assert.rejects(set.configure(clients({ app: "2", other: "bug" })), /a bug/);
  assert.equal(set.get("app")?.content, "1");
  await set.configure(clients({ app: "3" }));
  assert.equal(set.get("app")?.content, "3");
});

Deno.test("ClientSet takes overlapping configurations in the order they came", async () => {
  const gate = Promise.withResolvers<void>();
  await using set = new ClientSet(async (options: Options) => {
    if (options.content === "slow") await gate.promise;
    return await prepare(options);
  });
  const first = set.configure(clients({ app: "slow" }));
  const second = set.configure(clients({ app: "quick" }));
  gate.resolve();
  await Promise.all([first, second]);
  assert.equal(set.get("app")?.content, "quick");
});

Deno.test("ClientSet closes all clients when it is disposed", async () => {
  const set = new ClientSet(prepare);
  await set.configure(clients({ a: "1", b: "2" }));
  const all = [set.get("a"), set.get("b")];
  await set[Symbol.asyncDispose]();
  assert.deepEqual(all.map((client) => client?.disposed), [true, true]);
  assert.equal(set.has("a"), false);
});

Deno.test("ClientSet waits for clients that it has replaced, too", async () => {
  const closed = Promise.withResolvers<void>();
  const set = new ClientSet(({ content }: Options) =>
    Promise.resolve({
      fingerprint: content,
      open: () => ({ ...openClient(content), [Symbol.asyncDispose]: () => closed.promise }),
    })
  );
  await set.configure(clients({ app: "1" }));
  await set.configure(clients({}));
  let disposed = false;
  const disposing = set[Symbol.asyncDispose]().then(() => disposed = true);
  await settle();
  assert.equal(disposed, false);
  closed.resolve();
  await disposing;
});
