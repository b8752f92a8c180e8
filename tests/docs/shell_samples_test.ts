/** Every shell sample of the pages is run, as it stands but for its addresses and folders. */

import assert from "node:assert/strict";
import { startProviders } from "../flow/_providers.ts";
import { HAS_REDIS, startRedis } from "../support/redis_server.ts";
import { isInstalled } from "../support/programs.ts";
import { allFences, type Fence } from "./_fences.ts";
import { openSandbox, type Sandbox } from "./_sandbox.ts";

/** Samples that are not run here: how each begins, why, and what stands for it. */
const ELSEWHERE: readonly (readonly [begin: RegExp, why: string])[] = [
  [/^npm i -g deno/, "installs for the whole machine; .ci/run takes the same version"],
  [/^docker run/, "needs a daemon; what the image starts is in tests/deploy/operator_test.ts"],
  [/^\(cd clients\/js/, "packs and installs, as tests/clients/package_test.ts does"],
  [/^node ring\.mjs/, "the program is run by tests/docs/script_samples_test.ts"],
  [/^npm install @carillon/, "packed and installed by tests/clients/package_test.ts"],
  [/server\.mjs$/, "two terminals with a server in each: tests/examples/page_test.ts"],
];
/** Exit codes of samples that name what is not there, or find what is wrong. */
const CODES: readonly (readonly [part: RegExp, codes: readonly number[], says: RegExp])[] = [
  [/carillon show 0192/, [5], /0192/],
  [/carillon keys revoke/, [5], /./],
  [/carillon doctor/, [0, 1, 6], /^/],
  [/carillon:8080\/ajax\/pns/, [0], /"code":"SES-0203"/],
];
/** Programs that a machine may do without; tests/examples names them where they are missing. */
const LANGUAGES = /^(java|php|go) /;

const samples = (await allFences()).filter(({ language }) => language === "sh");

function elsewhere({ code }: Fence): boolean {
  return ELSEWHERE.some(([begin]) => begin.test(code.trim()));
}

async function withSandbox(use: (sandbox: Sandbox) => Promise<void>): Promise<void> {
  await using opened = new AsyncDisposableStack();
  const providers = opened.use(
    await startProviders({
      // `doctor --idle` waits for longer than this.
      properties: { "io.carillon.websocket.pingInterval": 1_000 },
      files: (folder) => ({
        "pns-apns-options.yml": `myiosclient:\n  authtype: jwt\n  privatekey: ${folder}/apns.p8\n` +
          "  keyid: ABC123DEFG\n  teamid: DEF123GHIJ\n  topic: com.example.app\n",
        "webhooks.yml":
          "crm:\n  uri: https://crm.example.com/\n  webhookSecret: a secret of tests\n",
        "a.properties": "com.openexchange.webhooks.enabledIds=crm\n",
      }),
    }),
  );
  const redis = HAS_REDIS ? opened.use(await startRedis({ appendonly: true })) : undefined;
  const { service, simulator } = providers;
  const id = await service.subscribe({
    client: "demo-android",
    transport: "gcm",
    token: "a-token-of-a-sample",
  });
  await use(opened.use(
    await openSandbox({
      ...{ address: service.address, key: service.adminKey, redis: redis?.url },
      ...{
        simulator: simulator.addresses.api,
        subscription: id,
        session: await service.mint(),
      },
    }),
  ));
}

Deno.test("every reason why a sample is not run here is needed, and names what is there", async () => {
  for (const [begin, why] of ELSEWHERE) {
    const [path] = /(?:tests\/|\.ci\/)[\w./]*\w/.exec(why) ?? [];
    await Deno.stat(new URL(`../../${path}`, import.meta.url));
    assert.ok(samples.some(({ code }) => begin.test(code.trim())), `${begin}: ${why}`);
  }
  for (const [part] of CODES) assert.ok(samples.some(({ code }) => part.test(code)), String(part));
});

Deno.test("the shell samples do what they say", async (t) => {
  await withSandbox(async (sandbox) => {
    for (const sample of samples.filter((each) => !elsewhere(each))) {
      const { file, line, code: script } = sample;
      const [, language] = LANGUAGES.exec(script) ?? [];
      const needsRedis = script.includes("redis://") && !HAS_REDIS;
      if (needsRedis || language !== undefined && !isInstalled(language)) continue;
      await t.step(`${file}:${line} ${script.trim().split("\n")[0]!.slice(0, 60)}`, async () => {
        const { code, stdout, stderr } = await sandbox.run(script);
        const [, codes = [0], says = /^/] = CODES.find(([part]) => part.test(script)) ?? [];
        assert.ok(codes.includes(code), `${code}: ${stderr}${stdout}`);
        assert.match(stdout + stderr, says);
      });
    }
  });
});
