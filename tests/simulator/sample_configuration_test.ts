import assert from "node:assert/strict";
import { parse } from "yaml";
import { sampleConfiguration } from "../../simulator/sample_configuration.ts";
import { apnOptionsSchema } from "../../transports/apn/settings.ts";
import { gcmOptionsSchema } from "../../transports/gcm/settings.ts";
import { webPushOptionsSchema } from "../../transports/webpush/settings.ts";
import { wnsOptionsSchema } from "../../transports/wns/settings.ts";
import { material } from "./support.ts";

const files = new Map(
  sampleConfiguration({
    material,
    folder: "/data/simulator",
    addresses: {
      api: "http://localhost:9100",
      apns: "https://localhost:9101",
      fcm: "https://localhost:9102",
      googleToken: "https://localhost:9102/token",
      gcm: "https://localhost:9102/fcm/send",
      wns: "https://localhost:9103",
      wnsToken: "https://localhost:9103/accesstoken.srf",
      entraToken: "https://localhost:9103/tenant/oauth2/v2.0/token",
      webpush: "https://localhost:9104",
    },
  }).map(({ path, content }) => [path, content]),
);

for (
  const [file, schema] of [
    ["conf/pns-apns-options.yml", apnOptionsSchema],
    ["conf/pns-gcm-options.yml", gcmOptionsSchema],
    ["conf/pns-wns-options.yml", wnsOptionsSchema],
    ["conf/pns-webpush-options.yml", webPushOptionsSchema],
  ] as const
) {
  Deno.test(`the sample ${file} is what the transport reads`, () => {
    const clients = Object.values(parse(files.get(file) as string));
    assert.ok(clients.length >= 1);
    for (const options of clients) assert.ok(schema.safeParse(options).success);
  });
}

Deno.test("the files that the sample configuration names are written with it", () => {
  const named = [...files.values()].filter((content) => typeof content === "string")
    .flatMap((content) => [...content.matchAll(/"\/data\/simulator\/([^"]+)"/g)])
    .map(([, path]) => path!);
  assert.deepEqual(
    new Set(named),
    new Set(["ca.pem", "apns.p8", "apns.p12", "service-account.json"]),
  );
  for (const path of named) assert.ok(files.has(path));
});
