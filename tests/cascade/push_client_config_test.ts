import assert from "node:assert/strict";
import { z } from "zod";
import { pushClientOptions, readPushClients } from "../../cascade/push_client_config.ts";

const schema = z.strictObject({ key: z.string() });

function read(...texts: readonly string[]) {
  const files = texts.map((text, at) => [`pushClientConfig/${at}.yml`, text] as const);
  const clients = readPushClients(files);
  return {
    faults: clients.faults.map(({ message }) => message),
    of: (transport: "apn" | "gcm" | "wns") => pushClientOptions(clients, { transport, schema }),
  };
}

Deno.test("clients of a transport are those with its '_type', or another name of it", () => {
  const { of, faults } = read(
    "a: { _type: fcm, key: 1 }\nb: { _type: GCM, key: 02 }\nc: { _type: wns, key: x }",
  );
  assert.deepEqual(faults, []);
  assert.deepEqual([...of("gcm").clients], [["a", { key: "1" }], ["b", { key: "02" }]]);
  assert.deepEqual([...of("wns").clients.keys()], ["c"]);
});

Deno.test("a client without the suffix of APNs is the one with it", () => {
  const { of } = read(
    "app-ios: { _type: apn, key: 1 }\nmail-ios: { _type: apn, key: 2 }\n" +
      "mail: { _type: apns_http2, key: 3 }",
  );
  const { clients } = of("apn");
  assert.deepEqual(clients.get("app"), { key: "1" });
  assert.deepEqual(clients.get("app-ios"), { key: "1" });
  assert.deepEqual(clients.get("mail"), { key: "3" });
});

Deno.test("of a client in several files the last one counts", () => {
  const { of } = read("a: { _type: gcm, key: 1 }", "a: { _type: wns, key: 2 }");
  assert.equal(of("gcm").clients.size, 0);
  assert.deepEqual(of("wns").clients.get("a"), { key: "2" });
});

Deno.test("a '_type' that every object has by inheritance is none", () => {
  const { faults } = read("a: { _type: constructor, key: 1 }");
  assert.match(faults[0] ?? "", /'_type' must be one of apn, apns/);
});

Deno.test("a bad entry or file leaves out itself only", () => {
  const { of, faults } = read(
    "a: { key: 1 }\nb: { _type: pigeon }\nc: 7\nd: { _type: gcm, key: 1 }\n" +
      "e: { _type: gcm, key: [1] }\nf: { _type: gcm, enabled: no }",
    "broken: [",
    "# nothing",
    "- a list",
  );
  assert.equal(faults.length, 5, faults.join("\n"));
  const { clients, faults: ofGcm } = of("gcm");
  assert.deepEqual([...clients.keys()], ["d"]);
  assert.match(ofGcm[0]!.message, /client 'e'/);
});

Deno.test("a key in the middleware's secret store is named with what to do", () => {
  const { faults } = read("a: { _type: apn, keystoreId: my-store, password: hidden }");
  assert.match(faults[0]!, /'keystoreId' names a key of the middleware's secret store.*'keystore'/);
  assert.ok(!faults[0]!.includes("hidden"));
});
