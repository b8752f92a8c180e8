/** The configuration, the back end and the page of the examples, put together as a reader does. */

import assert from "node:assert/strict";
import { createMaterial, type Simulator, startSimulator } from "../../simulator/mod.ts";
import { listen } from "../support/listener.ts";
import { startTestService, type TestService } from "../support/start_service.ts";
import { until } from "../support/until.ts";
import { exampleConfiguration } from "./_configuration.ts";
import { EXAMPLES, isInstalled, Running } from "./_run.ts";

const PAGE = new URL("browser_page/index.html", EXAMPLES);
const ignore = !isInstalled("node");

interface World extends AsyncDisposable {
  readonly simulator: Simulator;
  readonly service: TestService;
}

/** The service with the configuration of the examples, whose providers are the simulator. */
async function startWorld(): Promise<World> {
  await using opened = new AsyncDisposableStack();
  const material = await createMaterial({
    now: Date.now(),
    hosts: ["localhost", "127.0.0.1"],
  });
  const simulator = opened.use(await startSimulator({ material }));
  const files = await exampleConfiguration(simulator);
  const service = opened.use(await startTestService({ files }));
  const life = opened.move();
  return {
    simulator,
    service,
    [Symbol.asyncDispose]: () => life.disposeAsync(),
  };
}

/** Starts the back end, and gives its address once it listens. */
async function startBackEnd(service: TestService) {
  const running = new Running({
    program: "node",
    args: ["back_end/server.mjs"],
    env: {
      CARILLON_URL: service.address,
      CARILLON_KEY: await service.mintKey("subscribe"),
      PORT: "0",
    },
  });
  const [, address] = await running.says(/listening at (http:\S+)/);
  return { running, address: address! };
}

function post(
  address: string,
  body: unknown,
  type = "application/json",
): Promise<Response> {
  const headers = { "content-type": type };
  return fetch(address, {
    method: "POST",
    headers,
    body: JSON.stringify(body),
  });
}

Deno.test("examples/conf serves all five transports", async () => {
  await using world = await startWorld();
  const { service, simulator } = world;
  assert.deepEqual(
    service.log.filter((line) => JSON.parse(line).level === "error"),
    [],
  );
  using socket = await listen(service.host, { session: await service.mint() });
  const { apn, gcm, wns, webpush } = simulator.samples;
  const targets = {
    myiosclient: { apn },
    mygoogleclient: { gcm },
    mywindowsclient: { wns },
  };
  for (
    const [client, target] of Object.entries({
      ...targets,
      mybrowserclient: { webpush },
    })
  ) {
    const [[transport, token]] = Object.entries(target) as [[string, unknown]];
    await service.subscribe({ client, transport, token });
  }
  const id = await service.publish();
  await socket.received(1);
  const { state, targets: settled } = await service.settled(id);
  assert.equal(state, "delivered");
  assert.deepEqual(
    settled.map((target) => `${target.transport} ${target.state}`).toSorted(),
    ["apn sent", "gcm sent", "webpush sent", "websocket sent", "wns sent"],
  );
});

Deno.test({
  name: "the back end gives a page a session that opens a socket for its user",
  ignore,
  async fn() {
    await using service = await startTestService();
    const { running, address } = await startBackEnd(service);
    await using _running = running;
    const response = await post(`${address}/session`, {});
    const { url, token, expires } = await response.json();
    assert.equal(url, service.address);
    assert.ok(Date.parse(expires) > Date.now());
    using socket = await listen(service.host, { session: token });
    await service.publish({ context: "1", user: "3" });
    await socket.received(1);
  },
});

Deno.test({
  name: "the back end subscribes nobody but its own user, and takes no post of a foreign form",
  ignore,
  async fn() {
    await using world = await startWorld();
    const { service, simulator } = world;
    const { running, address } = await startBackEnd(service);
    await using _running = running;
    const token = simulator.samples.webpush;
    const body = {
      client: "mybrowserclient",
      topics: ["*"],
      token,
      context: "1",
      user: "4",
    };
    const stored = await post(`${address}/subscription`, body);
    assert.equal(stored.status, 200);
    const { id } = await stored.json();
    assert.equal(
      (await service.call("GET", `/v1/subscriptions/${id}`)).body.user,
      "3",
    );
    for (const type of ["text/plain", "application/x-www-form-urlencoded"]) {
      const refused = await post(`${address}/subscription`, body, type);
      assert.equal(refused.status, 415);
      await refused.body?.cancel();
    }
    const tooLarge = await post(`${address}/subscription`, { ...body, client: "a".repeat(9000) });
    assert.equal(tooLarge.status, 400);
    await tooLarge.body?.cancel();
  },
});

Deno.test({
  name: "the back end serves the files of the page and nothing else",
  ignore,
  async fn() {
    await using service = await startTestService();
    const { running, address } = await startBackEnd(service);
    await using _running = running;
    for await (const { name } of Deno.readDir(new URL(".", PAGE))) {
      const response = await fetch(
        `${address}/${name === "index.html" ? "" : name}`,
      );
      assert.equal(response.status, 200, name);
      assert.equal(
        await response.text(),
        await Deno.readTextFile(new URL(name, PAGE)),
      );
    }
    for (
      const path of [
        "/server.mjs",
        "/../back_end/server.mjs",
        "/toString",
        "/session",
      ]
    ) {
      const response = await fetch(address + path);
      assert.equal(response.status, 404, path);
      await response.body?.cancel();
    }
  },
});

Deno.test({
  name: "the page shows what its user is sent, and its browser gets Web Push after a click",
  ignore,
  async fn() {
    await using world = await startWorld();
    const { service, simulator } = world;
    const { running, address } = await startBackEnd(service);
    await using _running = running;
    await using page = new Running({
      program: Deno.execPath(),
      args: [
        ...[
          "run",
          "-A",
          `--config=${new URL("../deno.json", import.meta.url).pathname}`,
          "--no-lock", // the page loads a script of the service
        ],
        new URL("_page_process.ts", import.meta.url).pathname,
        address,
        await Deno.readTextFile(PAGE),
        JSON.stringify(simulator.samples.webpush),
      ],
      env: {},
    });
    await page.says(/^push: Web Push is on$/m);
    await service.publish({ context: "1", user: "3" });
    await page.says(/^event: ox:mail:new \{.*"id":"113"/m);
    const first = await service.publish({ collapseKey: "k", data: { n: 1 }, receipts: true });
    await page.says(/^event: ox:mail:new \{"n":1\}/m);
    await until("the page has acknowledged it", async () => {
      const { body } = await service.call("GET", `/v1/notifications/${first}`);
      return body.receipts?.length === 1;
    });
    const second = await service.publish({ collapseKey: "k", data: { n: 2 } });
    await page.says(/^event removed\nevent: ox:mail:new \{"n":2\}/m);
    await service.settled(second);
    await service.call("POST", `/v1/notifications/${second}/dismiss`);
    await page.says(/\{"n":2\}\n(?:.*\n)*event removed$/m);
    await until(
      "the push service got it",
      () => simulator.received.list({ provider: "webpush" })[0],
    );
  },
});

Deno.test({
  name: "a page whose session was revoked asks for another one and connects again",
  ignore,
  async fn() {
    await using service = await startTestService();
    const { running, address } = await startBackEnd(service);
    await using _running = running;
    await using page = new Running({
      program: Deno.execPath(),
      args: [
        ...[
          "run",
          "-A",
          `--config=${new URL("../deno.json", import.meta.url).pathname}`,
          "--no-lock", // the page loads a script of the service
        ],
        new URL("_page_process.ts", import.meta.url).pathname,
        ...[address, await Deno.readTextFile(PAGE), "{}"],
      ],
      env: {},
    });
    await page.says(/^status: connected$/m);
    await service.call("DELETE", "/v1/sessions?context=1&user=3");
    await page.says(/connected$[\s\S]*disconnected[\s\S]*^status: connected$/m);
  },
});

Deno.test("the page needs no other server than its own and the service", async () => {
  for await (const { name } of Deno.readDir(new URL(".", PAGE))) {
    const text = await Deno.readTextFile(new URL(name, PAGE));
    assert.doesNotMatch(text, /https?:\/\//, name);
  }
});

Deno.test("the service serves the Socket.IO client that it is tested with", async () => {
  await using service = await startTestService();
  const folder = new URL("client-dist/", import.meta.resolve("socket.io"));
  for (const name of ["socket.io.min.js", "socket.io.esm.min.js"]) {
    const address = `${service.address}/socket.io/${name}`;
    const response = await fetch(address);
    assert.equal(response.status, 200, name);
    assert.match(response.headers.get("content-type")!, /^text\/javascript/);
    const code = (text: string) => text.replace(/\/\/# sourceMappingURL=.*/, "").trim();
    assert.equal(code(await response.text()), code(await Deno.readTextFile(new URL(name, folder))));
    const etag = response.headers.get("etag")!;
    const again = await fetch(address, { headers: { "if-none-match": etag } });
    assert.deepEqual([again.status, await again.text()], [304, ""]);
  }
  const unknown = await fetch(`${service.address}/socket.io/socket.io.js.map`);
  assert.equal(unknown.status, 404);
  await unknown.body?.cancel();
});
