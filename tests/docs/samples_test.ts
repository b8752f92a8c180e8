/** Every command and code sample in README and docs is one that works. */

import assert from "node:assert/strict";
import { io } from "socket.io-client";
import { parseAllDocuments } from "yaml";
import { buildConfiguration } from "../../cascade/configuration.ts";
import { parseClientOptions } from "../../cascade/mod.ts";
import { COMMANDS } from "../../cli/definitions.ts";
import { parse } from "../../cli/parser.ts";
import { apnOptionsSchema } from "../../transports/apn/mod.ts";
import { gcmOptionsSchema } from "../../transports/gcm/mod.ts";
import { webPushOptionsSchema } from "../../transports/webpush/mod.ts";
import { wnsOptionsSchema } from "../../transports/wns/mod.ts";
import { startProviders } from "../flow/_providers.ts";
import { startNginx } from "../support/nginx.ts";
import { NGINX, programTest, runProgram, SYSTEMD_ANALYZE } from "../support/programs.ts";
import { startTestService } from "../support/start_service.ts";
import { allFences, type Fence, pages, readPage } from "./_fences.ts";

const FENCES = await allFences();
const ROOT = new URL("../../", import.meta.url);
const TASKS = JSON.parse(await Deno.readTextFile(new URL("deno.json", ROOT))).tasks;

function fences(language: string): readonly Fence[] {
  return FENCES.filter((fence) => fence.language === language);
}

/** Lines of a shell sample, continued ones joined, comments at the end left out. */
function commandsIn({ code }: Fence): readonly string[] {
  return code.replaceAll("\\\n", " ").split("\n").map((line) => line.replace(/\s+#\s.*$/, ""));
}

/** Whether a task is there, and takes its words where it is one of the command line. */
function assertTask(words: readonly string[], where: string): void {
  const [name, ...rest] = words;
  assert.ok(name! in TASKS, `${where}: there is no task '${name}'`);
  const isOwn = ["publish", "listen", "backup", "restore", "vapid"].includes(name!);
  if (!isOwn && name !== "carillon") return;
  const line = isOwn ? [name!, ...rest] : rest;
  if (line.length === 0 || /^[<[]/.test(line[0]!)) return;
  // A page may name a command without what it needs.
  if (isOwn && rest.length === 0) return;
  const parsed = parse(COMMANDS, line);
  assert.ok(parsed.kind === "run" || !parsed.isError, `${where}: ${JSON.stringify(parsed)}`);
}

function wordsOf(line: string): readonly string[] {
  return [...line.matchAll(/"([^"]*)"|'([^']*)'|(\S+)/g)]
    .map(([, double, single, bare]) => double ?? single ?? bare!);
}

Deno.test("every sample has a kind that is tested here", () => {
  const tested = ["sh", "yaml", "properties", "json", "js", "nginx", "ini", "haproxy"];
  const shown = ["", "mermaid"];
  for (const { file, line, language } of FENCES) {
    assert.ok([...tested, ...shown].includes(language), `${file}:${line}: '${language}'`);
  }
});

for (const fence of fences("sh")) {
  Deno.test(`the commands of ${fence.file}:${fence.line} are there`, async () => {
    const { code, stderr } = await runProgram(["bash", "-n"], {
      input: fence.code.replaceAll(/<[^<>\n]+>/g, "placeholder"),
    });
    assert.equal(code, 0, stderr);
    for (const command of commandsIn(fence)) {
      const [, words] = /deno(?:@[\d.]+)? task (?:--quiet )?(.*)$/.exec(command) ?? [];
      if (words === undefined || words.startsWith('carillon "$@"')) continue;
      assertTask(wordsOf(words.replace(/ > \S+$/, "")), `${fence.file}:${fence.line}`);
    }
  });
}

Deno.test("every task that a page names is there", async () => {
  for (const file of await pages()) {
    const text = await readPage(file);
    for (const [, command] of text.matchAll(/`deno task ([^`\n]+)`/g)) {
      assertTask(wordsOf(command!), file);
    }
    for (const [, command] of text.matchAll(/^ {4}deno task (.+)$/gm)) {
      assertTask(wordsOf(command!), file);
    }
  }
});

Deno.test("the requests with curl are answered as the pages say", async () => {
  await using providers = await startProviders({
    files: (folder) => ({
      "pns-apns-options.yml": `myiosclient:\n  authtype: jwt\n  privatekey: ${folder}/apns.p8\n` +
        "  keyid: ABC123DEFG\n  teamid: DEF123GHIJ\n  topic: com.example.app\n",
    }),
  });
  const { service } = providers;
  const curls = fences("sh").flatMap(commandsIn).join("\n").match(/^curl [^]*?'\s*$/gm) ?? [];
  const samples = fences("sh").filter(({ code }) => code.includes("curl "));
  assert.ok(samples.length >= 2 && curls.length >= 2);
  for (const { file, line, code } of samples) {
    const script = code.replaceAll(
      /https?:\/\/(?:(?:localhost|127\.0\.0\.1):8080|push\.example\.com)/g,
      "$URL",
    )
      .replaceAll("<device token>", "ab".repeat(32))
      // A stream does not end by itself.
      .replaceAll(/^curl -N (.*)$/gm, "timeout 1 curl -sS -N $1 || test $? = 124")
      .replaceAll(/^curl /gm, "curl -sS --fail-with-body ");
    const { code: exit, stdout, stderr } = await runProgram(["bash", "-e", "-c", script], {
      env: {
        ...{ URL: service.address, KEY: service.adminKey },
        ...{ CARILLON_URL: service.address, CARILLON_KEY: service.adminKey },
      },
    });
    assert.equal(exit, 0, `${file}:${line}: ${stderr}${stdout}`);
  }
});

for (const fence of fences("js")) {
  Deno.test(`the script of ${fence.file}:${fence.line} is JavaScript`, () => {
    const AsyncFunction = (async () => {}).constructor as new (code: string) => unknown;
    assert.ok(new AsyncFunction(fence.code.replaceAll(/^import .*;$/gm, "")));
  });
}

Deno.test("the README's page code gets the event that it listens for", async () => {
  await using service = await startTestService();
  const fence = fences("js").find(({ file }) => file === "README.md")!;
  const token = await service.mint();
  const shown = Promise.withResolvers<string>();
  // Handed in under the names that the sample uses.
  const run = new Function(
    ...["io", "token", "console"],
    `${fence.code.replace("https://push.example.com", service.address)}\nreturn socket;`,
  );
  const socket = run(io, token, { log: shown.resolve });
  try {
    await new Promise<void>((resolve) => socket.on("connect", () => resolve()));
    await service.publish();
    assert.equal(await shown.promise, "Let's meet");
  } finally {
    socket.close();
  }
});

for (const fence of fences("json")) {
  Deno.test(`the JSON of ${fence.file}:${fence.line} can be read`, () => {
    assert.ok(JSON.parse(fence.code) !== undefined);
  });
}

const SCHEMAS = [apnOptionsSchema, gcmOptionsSchema, wnsOptionsSchema, webPushOptionsSchema];

for (const fence of fences("yaml")) {
  Deno.test(`the YAML of ${fence.file}:${fence.line} can be read, with keys that are known`, () => {
    for (const { errors } of parseAllDocuments(fence.code)) assert.deepEqual(errors, []);
    if (fence.file !== "docs/transports.md") return;
    // Keys in place of which the page has dots are refused, but no name of an option is.
    const unknown = SCHEMAS.map((schema) => {
      const { faults } = parseClientOptions({ file: "a.yml", text: fence.code }, schema as never);
      return faults.filter(({ message }) => /unrecognized|unknown/i.test(message));
    });
    assert.ok(unknown.some((faults) => faults.length === 0), JSON.stringify(unknown));
  });
}

/** What the sample of an issuer needs beside it, where the sample is of that one key. */
const BESIDE = {
  IO_CARILLON_CONSOLE_OIDC_CLIENTID: "carillon",
  IO_CARILLON_CONSOLE_OIDC_REDIRECTURL: "https://push.example.com/console/oidc/callback",
};

for (const fence of fences("properties")) {
  Deno.test(`the properties of ${fence.file}:${fence.line} are taken`, () => {
    const files = new Map([["a.properties", fence.code]]);
    const built = buildConfiguration({ files, environment: BESIDE });
    assert.ok(built.ok, JSON.stringify(built));
    assert.deepEqual(built.warnings, []);
  });
}

for (const fence of fences("nginx")) {
  programTest(NGINX)(`nginx takes the sample of ${fence.file}:${fence.line}`, async () => {
    await using proxy = await startNginx((port) =>
      fence.code.replace(/listen 80;/, `listen 127.0.0.1:${port};`)
    );
    assert.ok(proxy.address);
  });
}

for (const fence of fences("ini")) {
  programTest(SYSTEMD_ANALYZE)(`systemd takes ${fence.file}:${fence.line}`, async () => {
    const folder = await Deno.makeTempDir();
    try {
      const path = `${folder}/carillon.service`;
      const text = fence.code.replace("/usr/local/bin/deno", Deno.execPath());
      await Deno.writeTextFile(path, text);
      const { stderr } = await runProgram(["systemd-analyze", "verify", path]);
      assert.deepEqual(stderr.split("\n").filter((line) => line.includes("carillon")), []);
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
  });
}
