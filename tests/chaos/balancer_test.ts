/** The balancer of chaos runs, before small servers that say which one they are. */

import assert from "node:assert/strict";
import { Balancer, clientHost, PUBLISHERS_HOST } from "../../chaos/balancer.ts";
import { until } from "../support/until.ts";

/** A node that answers `/readyz` as configured, and every other path with its own number. */
class Backend implements AsyncDisposable {
  isReady = true;
  readonly #server: Deno.HttpServer<Deno.NetAddr>;
  readonly sockets: WebSocket[] = [];

  constructor(readonly name: string) {
    this.#server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen() {} }, (request) => {
      if (request.headers.get("upgrade") === "websocket") {
        const { socket, response } = Deno.upgradeWebSocket(request);
        this.sockets.push(socket);
        return response;
      }
      const isCheck = request.url.endsWith("/readyz");
      return new Response(this.name, { status: isCheck && !this.isReady ? 503 : 200 });
    });
  }

  get port(): number {
    return this.#server.addr.port;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#server.shutdown();
  }
}

/** Asks once, on a connection of its own. */
async function ask(balancer: Balancer, host: string): Promise<string> {
  using client = Deno.createHttpClient({ poolMaxIdlePerHost: 0 });
  const response = await fetch(`http://${host}:${balancer.port}/`, { client });
  return await response.text();
}

function balancerOf(...nodes: readonly Backend[]): Balancer {
  return new Balancer(nodes.map(({ port }) => port), { now: () => performance.now() });
}

async function open(balancer: Balancer, host: string): Promise<WebSocket> {
  const socket = new WebSocket(`ws://${host}:${balancer.port}/`);
  await new Promise((resolve, reject) => {
    socket.onopen = resolve;
    socket.onerror = reject;
  });
  socket.onerror = () => {};
  return socket;
}

function closed(socket: WebSocket): Promise<unknown> {
  return new Promise((resolve) => socket.onclose = resolve);
}

Deno.test("publishers' connections go to the nodes in turn", async () => {
  await using a = new Backend("a");
  await using b = new Backend("b");
  await using balancer = balancerOf(a, b);
  const names = [];
  for (let n = 0; n < 4; n++) names.push(await ask(balancer, PUBLISHERS_HOST));
  assert.deepEqual(names.toSorted(), ["a", "a", "b", "b"]);
});

Deno.test("a client's connections stay at one node", async () => {
  await using a = new Backend("a");
  await using b = new Backend("b");
  await using balancer = balancerOf(a, b);
  const names = new Set<string>();
  for (let n = 0; n < 4; n++) names.add(await ask(balancer, clientHost(300)));
  assert.equal(names.size, 1);
});

Deno.test("a node that is not ready gets nothing, unless none is", async () => {
  await using a = new Backend("a");
  await using b = new Backend("b");
  await using balancer = balancerOf(a, b);
  a.isReady = false;
  await until("the balancer has seen it", () => balancer.readyNodes === 1);
  assert.equal(await ask(balancer, PUBLISHERS_HOST), "b");
  assert.equal(await ask(balancer, PUBLISHERS_HOST), "b");
  assert.deepEqual(balancer.noneReady, []);
  b.isReady = false;
  await until("the balancer has seen it", () => balancer.readyNodes === 0);
  assert.match(await ask(balancer, PUBLISHERS_HOST), /[ab]/);
  assert.equal(balancer.noneReady.length, 1);
});

Deno.test("a node that does not accept is passed over at once", async () => {
  const a = new Backend("a");
  await using b = new Backend("b");
  await using balancer = balancerOf(a, b);
  await a[Symbol.asyncDispose]();
  assert.equal(await ask(balancer, PUBLISHERS_HOST), "b");
  assert.equal(await ask(balancer, PUBLISHERS_HOST), "b");
});

Deno.test("a cut closes both sides, and refuses the client until it is admitted again", async () => {
  await using a = new Backend("a");
  await using balancer = balancerOf(a);
  const socket = await open(balancer, clientHost(0));
  const [served] = a.sockets;
  const bothClosed = Promise.all([closed(socket), closed(served!)]);
  balancer.cut(clientHost(0));
  await bothClosed;
  await assert.rejects(ask(balancer, clientHost(0)));
  assert.equal(await ask(balancer, clientHost(1)), "a");
  balancer.letIn(clientHost(0));
  assert.equal(await ask(balancer, clientHost(0)), "a");
});

Deno.test("a client that is lost has gone unnoticed by its node", async () => {
  await using a = new Backend("a");
  await using balancer = balancerOf(a);
  const socket = await open(balancer, clientHost(0));
  const [served] = a.sockets;
  const gone = closed(socket);
  balancer.lose(clientHost(0));
  await gone;
  served!.send("into the void");
  await until("it was taken", () => served!.bufferedAmount === 0);
  assert.equal(served!.readyState, WebSocket.OPEN);
});

Deno.test("a slow client gets what was held up when it reads again", async () => {
  await using a = new Backend("a");
  await using balancer = balancerOf(a);
  const socket = await open(balancer, clientHost(0));
  const got: string[] = [];
  socket.onmessage = ({ data }) => got.push(data);
  a.sockets[0]!.send("first");
  await until("it arrives", () => got.length === 1);
  balancer.slow(clientHost(0), true);
  // One read was under way already.
  a.sockets[0]!.send("second");
  a.sockets[0]!.send("third");
  await until("both are taken", () => a.sockets[0]!.bufferedAmount === 0);
  balancer.slow(clientHost(0), false);
  await until("all arrive", () => got.length === 3);
  const gone = closed(socket);
  socket.close();
  await gone;
});
