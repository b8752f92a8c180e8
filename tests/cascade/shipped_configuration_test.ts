import assert from "node:assert/strict";
import {
  createDenoConfigFiles,
  parseClientOptions,
  parseWebsocketClients,
} from "../../cascade/mod.ts";
import { buildConfiguration } from "../../cascade/configuration.ts";
import { parseProperties } from "../../cascade/properties.ts";
import { entries, mayNameTopic, readSetting } from "../../cascade/schema.ts";
import { apnOptionsSchema } from "../../transports/apn/settings.ts";
import { gcmOptionsSchema } from "../../transports/gcm/settings.ts";
import { wnsOptionsSchema } from "../../transports/wns/settings.ts";

const FOLDER = new URL("../../conf", import.meta.url).pathname;

async function shipped(): Promise<ReadonlyMap<string, string>> {
  const files = createDenoConfigFiles(FOLDER);
  const texts = new Map<string, string>();
  for (const path of await files.list()) texts.set(path, await files.read(path));
  return texts;
}

Deno.test("what is shipped loads without faults, warnings or a setting", async () => {
  const built = buildConfiguration({ files: await shipped(), environment: {} });
  assert.ok(built.ok);
  assert.deepEqual(built.warnings, []);
  assert.equal(built.configuration.server.size, 0);
});

Deno.test("the shipped properties show every key of the schema, with values that are right", async () => {
  const shown = new Set<string>();
  for (const [file, text] of await shipped()) {
    if (!file.endsWith(".properties")) continue;
    const uncommented = text.replaceAll(/^# *(?=(?:com|io)\.[\w.:-]+=)/gm, "");
    for (
      const { key, value } of parseProperties(file, uncommented, { colonInKey: mayNameTopic })
        .entries
    ) {
      const read = readSetting(key, value);
      assert.equal(read.kind, "setting", `${file}: ${key}`);
      if (read.kind === "setting") shown.add(read.key);
    }
  }
  assert.deepEqual([...shown].sort(), entries().map(([key]) => key).sort());
});

Deno.test("App Suite's sockets are configured as shipped", async () => {
  const file = "pns-websocket-clients.yml";
  const { clients, faults } = parseWebsocketClients(file, (await shipped()).get(file)!);
  assert.deepEqual(faults, []);
  assert.deepEqual(clients, [
    { client: "open-xchange-appsuite", path: "/socket.io/appsuite/*", topics: ["*"] },
  ]);
});

Deno.test("the shipped examples of clients are disabled, and complete once they are enabled", async () => {
  const schemas = {
    "pns-apns-options.yml": apnOptionsSchema,
    "pns-gcm-options.yml": gcmOptionsSchema,
    "pns-wns-options.yml": wnsOptionsSchema,
  };
  const texts = await shipped();
  for (const [file, schema] of Object.entries(schemas)) {
    const text = texts.get(file)!;
    assert.equal(parseClientOptions<unknown>({ file, text }, schema).clients.size, 0);
    const enabled = text.replaceAll("enabled: false", "enabled: true");
    const { clients, faults } = parseClientOptions<unknown>({ file, text: enabled }, schema);
    assert.deepEqual(faults, []);
    assert.equal(clients.size, 2);
  }
});
