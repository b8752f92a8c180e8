/** `examples/browser_page`: the part that runs when no page is open, in a browser that is made up. */

import assert from "node:assert/strict";
import { subscribeToWebPush } from "../../examples/browser_page/web_push.js";
import { makeVapidKeys } from "../../transports/webpush/vapid.ts";
import { EXAMPLES } from "./_run.ts";

const BASE64URL = { alphabet: "base64url" } as const;
const { publickey: current } = await makeVapidKeys();

/** Runs with values in the place of globals. */
async function withGlobals(
  values: object,
  act: () => Promise<unknown>,
): Promise<void> {
  const before = Object.keys(values).map((name) =>
    [name, Object.getOwnPropertyDescriptor(globalThis, name)!] as const
  );
  for (const [name, value] of Object.entries(values)) {
    Object.defineProperty(globalThis, name, { value, configurable: true });
  }
  try {
    await act();
  } finally {
    for (const [name, descriptor] of before) {
      Object.defineProperty(globalThis, name, descriptor);
    }
  }
}

/** A visit of a browser whose subscription was made with `earlier`; what it did. */
async function visit(
  { earlier }: { readonly earlier?: string } = {},
): Promise<readonly string[]> {
  const done: string[] = [];
  let stored: { readonly token: Readonly<Record<string, unknown>> } | undefined;
  function subscriptionOf(key: string) {
    return {
      options: {
        applicationServerKey: Uint8Array.fromBase64(key, BASE64URL).buffer,
      },
      unsubscribe: () => Promise.resolve(void done.push("unsubscribe")),
      toJSON: () => ({ endpoint: "https://push.example/1", keys: {} }),
    };
  }
  const pushManager = {
    getSubscription: () => Promise.resolve(earlier ? subscriptionOf(earlier) : null),
    subscribe(options: { readonly applicationServerKey: string }) {
      done.push(`subscribe with ${options.applicationServerKey}`);
      return Promise.resolve(subscriptionOf(options.applicationServerKey));
    },
  };
  function fetch(path: string, init?: RequestInit) {
    if (init !== undefined) {
      assert.equal(path, "/subscription");
      stored = JSON.parse(String(init.body));
      return Promise.resolve(new Response());
    }
    assert.equal(
      path,
      "https://push.example.com/v1/webpush/mybrowserclient/key",
    );
    return Promise.resolve(Response.json({ applicationServerKey: current }));
  }
  const navigator = {
    serviceWorker: { register: () => Promise.resolve({ pushManager }) },
  };
  await withGlobals({ navigator, fetch }, () =>
    subscribeToWebPush({
      url: "https://push.example.com",
      client: "mybrowserclient",
      topics: ["ox:mail:new"],
    }));
  assert.equal(stored?.token.applicationServerKey, current);
  return done;
}

Deno.test("the page subscribes with the key that the service gives", async () => {
  assert.deepEqual(await visit(), [`subscribe with ${current}`]);
});

Deno.test("the page keeps a subscription with the current key", async () => {
  assert.deepEqual(await visit({ earlier: current }), []);
});

Deno.test("the page replaces a subscription with an earlier key", async () => {
  const { publickey: earlier } = await makeVapidKeys();
  assert.deepEqual(await visit({ earlier }), [
    "unsubscribe",
    `subscribe with ${current}`,
  ]);
});

type Handler = (event: Record<string, unknown>) => void;

/** The service workers of the page and of the JavaScript client. */
const WORKERS = [
  new URL("browser_page/push.js", EXAMPLES),
  new URL("../clients/js/service_worker.js", EXAMPLES),
];

/** Starts a service worker; `dispatch` gives it an event and waits for what it does. */
async function startServiceWorker(file: URL) {
  const handlers = new Map<string, Handler>();
  const done: unknown[] = [];
  const shown: { readonly tag: string | undefined; readonly data: unknown; close(): void }[] = [];
  const self = {
    addEventListener: (type: string, handler: Handler) => void handlers.set(type, handler),
    registration: {
      showNotification(title: string, options: { readonly tag?: string; readonly data: unknown }) {
        const { tag, data } = options;
        shown.push({ tag, data, close: () => void done.push(`${title} closed`) });
        return Promise.resolve(void done.push([title, options]));
      },
      getNotifications: () => Promise.resolve(shown),
    },
    clients: {
      openWindow: (link: string) => Promise.resolve(void done.push(link)),
    },
  };
  const source = await Deno.readTextFile(file);
  const module = `export function start(self) {\n${source}\n}`;
  const { start } = await import(
    `data:text/javascript,${encodeURIComponent(module)}`
  );
  start(self);
  async function dispatch(
    type: string,
    event: Record<string, unknown>,
  ): Promise<void> {
    const waits: unknown[] = [];
    handlers.get(type)!({
      ...event,
      waitUntil: (wait: unknown) => void waits.push(wait),
    });
    await Promise.all(waits);
  }
  return { done, dispatch };
}

for (const file of WORKERS) testWorker(file);

function testWorker(file: URL): void {
  const name = file.pathname.split("/").at(-1);

  Deno.test(`${name} shows what a message says, and the topic where it says nothing`, async () => {
    const { done, dispatch } = await startServiceWorker(file);
    const mail = {
      id: "n1",
      title: "Jane Doe",
      body: "Let us meet",
      tag: "a",
      link: "https://mail.example/1",
    };
    await dispatch("push", { data: { json: () => mail } });
    await dispatch("push", {
      data: { json: () => ({ topic: "ox:calendar:updates" }) },
    });
    await dispatch("push", { data: null });
    assert.deepEqual(done[0], ["Jane Doe", {
      ...{ body: "Let us meet", icon: undefined, tag: "a" },
      data: { id: "n1", link: "https://mail.example/1" },
    }]);
    assert.deepEqual(done.slice(1).map((shown) => (shown as string[])[0]), [
      "ox:calendar:updates",
      "News",
    ]);
  });

  Deno.test(`${name} closes what is dismissed, by its tag or its id, and shows nothing`, async () => {
    const { done, dispatch } = await startServiceWorker(file);
    const push = (message: unknown) => dispatch("push", { data: { json: () => message } });
    await push({ id: "n1", title: "one", tag: "a" });
    await push({ id: "n2", title: "two" });
    await push({ id: "n3", title: "three", tag: "c" });
    done.length = 0;
    await push({ id: "n4", topic: "ox:mail:new", dismiss: "a", tag: "a" });
    await push({ id: "n5", topic: "ox:mail:new", dismiss: "n2" });
    assert.deepEqual(done, ["one closed", "two closed"]);
  });

  Deno.test(`${name} opens the link of a message that is clicked`, async () => {
    const { done, dispatch } = await startServiceWorker(file);
    let closed = 0;
    const close = () => void closed++;
    await dispatch("notificationclick", {
      notification: { close, data: { link: "https://a/1" } },
    });
    await dispatch("notificationclick", { notification: { close, data: null } });
    assert.deepEqual([closed, done], [2, ["https://a/1"]]);
  });
}
