/** A trace from an HTTP publish over two nodes to a provider and to a socket. */

import assert from "node:assert/strict";
import { startSimulator } from "../../simulator/mod.ts";
import { iPhone, QUICK, sharedMaterial, writeSample } from "../flow/_providers.ts";
import { listen } from "../support/listener.ts";
import { type CollectedSpan, startCollector } from "../support/otlp_collector.ts";
import { redisTest, startRedis } from "../support/redis_server.ts";
import { prepareProcess, type ServiceProcess } from "../support/start_process.ts";
import { until } from "../support/until.ts";

const TRACE = "4bf92f3577b34da6a3ce929d0e0e4736";
const PARENT = "00f067aa0ba902b7";

async function startNode(
  variables: Readonly<Record<string, string>>,
  files: Readonly<Record<string, string>>,
): Promise<ServiceProcess> {
  const node = await prepareProcess({ properties: QUICK, variables });
  for (const [name, text] of Object.entries(files)) {
    await Deno.writeTextFile(`${node.configDir}/${name}`, text);
  }
  await node.start();
  return node;
}

redisTest(
  "a trace goes from the publisher over two nodes to a provider and a socket",
  async () => {
    await using opened = new AsyncDisposableStack();
    const redis = opened.use(await startRedis());
    const collector = opened.use(startCollector());
    const simulator = opened.use(
      await startSimulator({ material: await sharedMaterial() }),
    );
    const folder = await Deno.makeTempDir();
    opened.defer(() => Deno.remove(folder, { recursive: true }));
    const files = await writeSample(simulator, folder);
    const shared = { CARILLON_STORE: redis.url };
    const [a, b] = [
      opened.use(
        await startNode({ ...shared, ...collector.variables("a") }, files),
      ),
      opened.use(
        await startNode({ ...shared, ...collector.variables("b") }, files),
      ),
    ];
    await a.subscribe({
      client: "demo-ios",
      transport: "apn",
      token: iPhone(1),
    });
    using listener = await listen(b.host, { session: await b.mint() });
    const { status, body } = await a.call("POST", "/v1/notifications", {
      body: {
        context: "1",
        user: "3",
        topic: "ox:mail:new",
        data: { id: "1" },
      },
      headers: { traceparent: `00-${TRACE}-${PARENT}-01` },
    });
    assert.equal(status, 202);
    const [id] = body.ids;
    await listener.received(1);
    await a.settled(id);

    const named = (name: string) =>
      collector.spans.find((span) => span.name === name && span.traceId === TRACE);
    const found = await until("all spans are exported", () => {
      const all = [
        "carillon.publish",
        "carillon.dispatch",
        "carillon.send apn",
        "carillon.sockets",
      ]
        .map(named);
      return all.every((span) => span !== undefined) &&
        all as readonly CollectedSpan[];
    });
    const [publish, dispatch, send, sockets] = found as [
      ...[CollectedSpan, CollectedSpan, CollectedSpan, CollectedSpan],
    ];
    assert.equal(publish.instance, "a");
    assert.equal(publish.attributes["messaging.message.id"], id);
    // The publisher's span, or the runtime's of the request, which continues it.
    const request = collector.spans.find(({ spanId }) => spanId === publish.parentSpanId);
    assert.equal(
      request === undefined ? publish.parentSpanId : request.parentSpanId,
      PARENT,
    );
    for (const span of [dispatch, send, sockets]) {
      assert.equal(span.parentSpanId, publish.spanId);
    }
    assert.equal(send.attributes["carillon.outcome"], "sent");
    assert.equal(sockets.instance, "b");
    assert.equal(Number(sockets.attributes["carillon.sockets"]), 1);
  },
);

redisTest(
  "a trace that the publisher does not sample leaves no span",
  async () => {
    await using opened = new AsyncDisposableStack();
    const collector = opened.use(startCollector());
    const node = opened.use(await startNode(collector.variables("a"), {}));
    for (const flags of ["00", "01"]) {
      const { status } = await node.call("POST", "/v1/notifications", {
        body: {
          context: "1",
          user: "3",
          topic: "ox:mail:new",
          data: { flags },
        },
        headers: { traceparent: `00-${TRACE}-${PARENT}-${flags}` },
      });
      assert.equal(status, 202);
    }
    await until(
      "the second publish is exported",
      () => collector.spans.some(({ name }) => name === "carillon.dispatch"),
    );
    const published = collector.spans.filter(({ name }) => name === "carillon.publish");
    assert.equal(published.length, 1);
  },
);
