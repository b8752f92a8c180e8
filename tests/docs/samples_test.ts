/**
 * Every block of every page is run or judged by what it is for. Shell samples are run by
 * `shell_samples_test.ts`; what is a picture is compared with what it shows.
 */

import assert from "node:assert/strict";
import { parseAllDocuments } from "yaml";
import { readContextSets } from "../../cascade/context_sets.ts";
import { buildConfiguration } from "../../cascade/configuration.ts";
import { parseClientOptions } from "../../cascade/mod.ts";
import { COMMANDS } from "../../cli/definitions.ts";
import { parse } from "../../cli/parser.ts";
import { NOTIFICATION_STATES } from "../../core/ledger.ts";
import { apnOptionsSchema } from "../../transports/apn/mod.ts";
import { gcmOptionsSchema } from "../../transports/gcm/mod.ts";
import { webhookOptionsSchema } from "../../transports/webhook/mod.ts";
import { webPushOptionsSchema } from "../../transports/webpush/mod.ts";
import { wnsOptionsSchema } from "../../transports/wns/mod.ts";
import { startNginx } from "../support/nginx.ts";
import { NGINX, programTest, PROMTOOL, runProgram, SYSTEMD_ANALYZE } from "../support/programs.ts";
import { allFences, type Fence, pages, readPage } from "./_fences.ts";

const FENCES = await allFences();
const ROOT = new URL("../../", import.meta.url);
const TASKS = JSON.parse(await Deno.readTextFile(new URL("deno.json", ROOT))).tasks;

/** Who runs or judges the blocks of a language. */
const JUDGES: Readonly<Record<string, string>> = {
  sh: "shell_samples_test.ts",
  js: "script_samples_test.ts",
  ts: "script_samples_test.ts",
  json: "script_samples_test.ts",
  haproxy: "proxy_samples_test.ts",
  ...{ yaml: "below", properties: "below", nginx: "below", ini: "below", text: "below" },
};
/** What no program judges, with how each begins and why. */
const PICTURES: readonly (readonly [begin: RegExp, why: string])[] = [
  [/^flowchart LR/, "a drawing of the parts; their folders are in CONTRIBUTING.md"],
  [/^browser ──/, "a drawing of who calls whom"],
];

function fences(language: string): readonly Fence[] {
  return FENCES.filter((fence) => fence.language === language);
}

function isPicture({ code }: Fence): boolean {
  return PICTURES.some(([begin]) => begin.test(code));
}

Deno.test("every block is run, judged by its program, or a picture that is listed", async () => {
  for (const fence of FENCES) {
    const where = `${fence.file}:${fence.line}: '${fence.language}'`;
    if (isPicture(fence)) continue;
    const judge = JUDGES[fence.language];
    assert.ok(judge !== undefined, where);
    if (judge !== "below") await Deno.stat(new URL(judge, import.meta.url));
  }
  for (const [begin, why] of PICTURES) {
    assert.ok(FENCES.some(({ code }) => begin.test(code)), `${begin}: ${why}`);
  }
});

Deno.test("no sample hides in an indented block", async () => {
  for (const file of await pages()) {
    const text = (await readPage(file)).replaceAll(/^\s*```[^]*?^\s*```$/gm, "");
    const [hidden] = /\n\n {4}(?:deno|curl|npm|docker|[A-Z_]+=)\S* .*/.exec(text) ?? [];
    assert.equal(hidden, undefined, file);
  }
});

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

Deno.test("every task that a page names in a sentence is there", async () => {
  for (const file of await pages()) {
    for (const [, command] of (await readPage(file)).matchAll(/`deno task ([^`\n]+)`/g)) {
      assertTask(wordsOf(command!), file);
    }
  }
});

const SCHEMAS = [
  ...[apnOptionsSchema, gcmOptionsSchema, wnsOptionsSchema, webPushOptionsSchema],
  webhookOptionsSchema,
];

/** Whether some transport takes all entries, but for values in place of which the page has dots. */
function isClientOptions(text: string): boolean {
  return SCHEMAS.some((schema) => {
    const { clients, faults } = parseClientOptions({ file: "a.yml", text }, schema as never);
    return clients.size + faults.length > 0 &&
      faults.every(({ message }) => !/unrecognized|unknown|missing|expected/i.test(message));
  });
}

for (const fence of fences("yaml")) {
  const where = `${fence.file}:${fence.line}`;
  const { code } = fence;
  if (/^scrape_configs:/.test(code)) {
    programTest(PROMTOOL)(`Prometheus takes the YAML of ${where}`, async () => {
      const path = await Deno.makeTempFile({ suffix: ".yml" });
      await Deno.writeTextFile(path, code.replace(/credentials_file: \S+/, "credentials: key"));
      const check = ["promtool", "check", "config", path] as const;
      const { code: exit, stderr, stdout } = await runProgram(check);
      await Deno.remove(path);
      assert.equal(exit, 0, stderr + stdout);
    });
    continue;
  }
  Deno.test(`the YAML of ${where} is taken`, () => {
    const documents = parseAllDocuments(code);
    for (const { errors } of documents) assert.deepEqual(errors, []);
    if (/^apiVersion:/.test(code)) {
      const { kind, spec } = documents[0]!.toJS();
      assert.equal(kind, "Deployment");
      assert.deepEqual(spec.selector.matchLabels, spec.template.metadata.labels);
      const [{ ports }] = spec.template.spec.containers;
      assert.deepEqual(ports.map((port: { containerPort: number }) => port.containerPort), [
        8080,
        9091,
      ]);
    } else if (/^\s+withTags:/m.test(code)) {
      const findings = { faults: [], warnings: [] };
      assert.equal(readContextSets({ file: "a.yml", text: code }, findings).length, 1);
      assert.deepEqual(findings, { faults: [], warnings: [] });
    } else {
      assert.ok(isClientOptions(code.replaceAll(/<\w+>/g, "a-secret-of-somebody")), where);
    }
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
    await using proxy = await startNginx((port) => {
      const code = fence.code.replaceAll("http://carillon:8080", "http://127.0.0.1:8080");
      return /^server \{/m.test(code)
        ? code.replace(/listen 80;/, `listen 127.0.0.1:${port};`)
        : `server { listen 127.0.0.1:${port};\n${code}\n}`;
    });
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

for (const fence of fences("text").filter((each) => !isPicture(each))) {
  const { file, line, code } = fence;
  // The event and the stream are compared with what comes in script_samples_test.ts.
  if (/^\["ox:|^retry: /.test(code)) continue;
  Deno.test(`what ${file}:${line} draws is there`, async () => {
    if (code.startsWith("accepted")) {
      for (const [, state] of code.matchAll(/─ (in_flight|[a-z]+)\b(?= |─)/g)) {
        assert.ok((NOTIFICATION_STATES as readonly string[]).includes(state!), code);
      }
      return;
    }
    const paths = [...code.matchAll(/(?<![\w<./])(?:[\w.]+\/)*[\w.]+(?:\.ts\b|\/(?= |$))/gm)];
    assert.ok(paths.length > 10);
    for (const [path] of paths) {
      const below = ["", "delivery/", "buffer/", "realtime/", "transports/", "doctor/", "cli/"];
      const there = await Promise.all(
        below.map((folder) =>
          Deno.stat(new URL(folder + path, ROOT)).then(() => true, () => false)
        ),
      );
      assert.ok(there.includes(true), path);
    }
  });
}
