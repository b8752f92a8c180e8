/** Who reads the log of something that failed finds its trace, and the other way round. */

import assert from "node:assert/strict";
import { startSimulator } from "../../simulator/mod.ts";
import { iPhone, QUICK, sharedMaterial, writeSample } from "../flow/_providers.ts";
import { startCollector } from "../support/otlp_collector.ts";
import { prepareProcess, type ServiceProcess } from "../support/start_process.ts";
import { until } from "../support/until.ts";

const TRACE = "4bf92f3577b34da6a3ce929d0e0e4736";
const PARENT = "00f067aa0ba902b7";
const MAIL = { context: "1", user: "3", topic: "ox:mail:new", data: { id: "1" } };

function publish(node: ServiceProcess, body: unknown, flags = "01") {
  return node.call("POST", "/v1/notifications", {
    body,
    headers: { traceparent: `00-${TRACE}-${PARENT}-${flags}` },
  });
}

/** Log lines of steps that failed. */
function failures(node: ServiceProcess): readonly Readonly<Record<string, unknown>>[] {
  return node.log.split("\n").filter((line) => line.includes("a traced step failed"))
    .map((line) => JSON.parse(line.slice(line.indexOf("{"))));
}

Deno.test("a push that fails and a publish that is refused are logged with their trace", async () => {
  await using opened = new AsyncDisposableStack();
  const collector = opened.use(startCollector());
  const simulator = opened.use(await startSimulator({ material: await sharedMaterial() }));
  const folder = await Deno.makeTempDir();
  opened.defer(() => Deno.remove(folder, { recursive: true }));
  const node = opened.use(
    await prepareProcess({ properties: QUICK, variables: collector.variables("a") }),
  );
  for (const [name, text] of Object.entries(await writeSample(simulator, folder))) {
    await Deno.writeTextFile(`${node.configDir}/${name}`, text);
  }
  await node.start();
  const token = iPhone(1);
  await node.subscribe({ client: "demo-ios", transport: "apn", token });
  simulator.faults.set({ provider: "apn", token, script: "400 PayloadEmpty" });
  const { status, body } = await publish(node, MAIL);
  assert.equal(status, 202);
  const [id] = body.ids;
  await node.settled(id);
  const [push] = await until("the push is logged", () => {
    const found = failures(node);
    return found.length > 0 && found;
  });
  assert.equal(push!.trace, TRACE);
  assert.equal(push!.span, "carillon.send apn");
  assert.equal(push!["messaging.message.id"], id);
  assert.equal(push!["carillon.client"], "demo-ios");
  assert.equal(push!["carillon.outcome"], "rejected");
  assert.match(String(push!.reason), /PayloadEmpty/);
  await until(
    "the collector has the span that failed",
    () =>
      collector.spans.some(({ traceId, name, error }) =>
        traceId === TRACE && name === "carillon.send apn" && error?.includes("PayloadEmpty")
      ),
  );
  assert.ok(!node.log.includes(token), "no address is logged");

  const refused = await publish(node, { ...MAIL, topic: "no topic" });
  assert.equal(refused.status, 400);
  const [, publishing] = await until("the publish is logged", () => {
    const found = failures(node);
    return found.length > 1 && found;
  });
  assert.equal(publishing!.trace, TRACE);
  assert.equal(publishing!.span, "carillon.publish");

  // Who samples nothing gets no lines.
  assert.equal((await publish(node, { ...MAIL, topic: "no topic" }, "00")).status, 400);
  assert.equal(failures(node).length, 2);
});
