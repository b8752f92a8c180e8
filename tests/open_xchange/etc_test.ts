import assert from "node:assert/strict";
import { createDenoConfigFiles } from "../../cascade/mod.ts";
import { writeFolder } from "../support/configuration.ts";
import { startTestService } from "../support/start_service.ts";
import { ETC_SIZE, syntheticEtc } from "./_synthetic_etc.ts";

async function etcFolder(files = syntheticEtc()) {
  const folder = await writeFolder(files);
  return { folder, [Symbol.asyncDispose]: () => Deno.remove(folder, { recursive: true }) };
}

/** The task, which is a name of `carillon config check`. */
async function checkConfig(...args: readonly string[]) {
  const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["task", "--quiet", "check-config", ...args],
    cwd: new URL("../..", import.meta.url),
    env: { NO_COLOR: "1" },
  }).output();
  const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
  return { code, out: text(stdout), errors: text(stderr) };
}

Deno.test("a service starts on the folder of an installation, and reads what concerns it", async () => {
  const files = syntheticEtc();
  assert.equal(Object.keys(files).length, ETC_SIZE);
  await using service = await startTestService({ etc: files });
  // The switch of the backups is off, and the one of the file is on.
  const { body } = await service.call("GET", "/v1/explain?context=1&user=3&topic=ox:mail:new");
  assert.deepEqual(body.targets, []);
  const session = await service.mint();
  await service.call("PUT", `/ajax/pns?action=subscribe&session=${session}`, {
    key: null,
    body: { client: "droid", transport: "gcm", token: "t", topics: ["*"] },
  });
  const explained = await service.call("GET", "/v1/explain?context=1&user=3&topic=ox:mail:new");
  assert.equal(explained.body.targets[0].send, true, explained.text);
  const logged = service.log.map((line) => JSON.parse(line));
  const levels = new Set(logged.map(({ level, message }) => `${level} ${message}`));
  assert.ok(levels.has("warn Configuration warning"));
  assert.ok(!logged.some(({ message }) => /refused/.test(message)));
});

Deno.test("an option that looks like a number is the text as it is written", async () => {
  await using service = await startTestService({ etc: syntheticEtc() });
  const { body } = await service.call("GET", "/readyz");
  const ready = (transport: string) =>
    body.checks[`transport ${transport}`].detail?.map((
      { client, ready }: { client: string; ready: boolean },
    ) => `${client} ${ready}`);
  assert.deepEqual(ready("gcm"), ["droid true", "droid8 true"]);
  assert.deepEqual(ready("webhook"), ["crm true"]);
  assert.equal(ready("apn"), undefined);
});

Deno.test("a reload keeps the new folder where other programs have broken their files", async () => {
  await using service = await startTestService({ etc: syntheticEtc() });
  await service.configure("pns.properties", "com.openexchange.pns.delayDuration=7\n");
  await service.configure("mail.properties", "\\u00zz\n=\n: : :\n");
  await service.configure("contextSets/theirs.yml", "}{");
  const { status, body } = await service.call("POST", "/v1/admin/reload");
  assert.equal(status, 200, JSON.stringify(body));
  assert.ok(body.changedKeys.includes("com.openexchange.pns.delayDuration"));
});

Deno.test("a fault in a key of this service stops a start, and a reload", async () => {
  const files = syntheticEtc();
  const bad = "com.openexchange.pns.transport.gcm.enabled=maybe\n";
  await assert.rejects(startTestService({ etc: { ...files, "extra.properties": bad } }), {
    code: "invalid_configuration",
  });
  await using service = await startTestService({ etc: files });
  await service.configure("extra.properties", bad);
  assert.equal((await service.call("POST", "/v1/admin/reload")).status, 422);
});

Deno.test("files of other programs that cannot be read are warnings", async () => {
  await using etc = await etcFolder();
  const files = createDenoConfigFiles(etc.folder);
  // A link that points at itself cannot be read by any user.
  await Deno.symlink(`${etc.folder}/loop.properties`, `${etc.folder}/loop.properties`);
  await Deno.symlink(`${etc.folder}/loops`, `${etc.folder}/loops`);
  const unreadable: string[] = [];
  const listed = await files.list((path) => unreadable.push(path));
  assert.deepEqual(unreadable.sort(), ["loop.properties", "loops"]);
  assert.ok(listed.includes("pns.properties"));
  const { code, out } = await checkConfig(etc.folder);
  assert.equal(code, 6, out);
  assert.match(out, /loop\.properties:1:1: cannot be read/);
});

Deno.test("text in Latin-1 is read as such, and text in UTF-8 as such", async () => {
  await using etc = await etcFolder();
  await Deno.writeTextFile(`${etc.folder}/utf8.properties`, "name=M\u00fcnchen\n");
  const files = createDenoConfigFiles(etc.folder);
  assert.match(await files.read("server.properties"), /name=M\u00fcnchen/);
  assert.equal(await files.read("utf8.properties"), "name=M\u00fcnchen\n");
});

Deno.test("500 files of other programs cost less than a second of a start", async () => {
  const few = await startTime(syntheticEtc());
  const many = await startTime(syntheticEtc(ETC_SIZE + 500));
  assert.ok(many - few < 1_000, `${few} ms without them, ${many} ms with them`);
});

async function startTime(etc: ReturnType<typeof syntheticEtc>): Promise<number> {
  const began = performance.now();
  await using service = await startTestService({ etc });
  const took = performance.now() - began;
  assert.equal((await service.call("GET", "/livez")).status, 200);
  return took;
}

Deno.test("check-config says what is used, ignored and different, and that a start succeeds", async () => {
  await using etc = await etcFolder();
  const { code, out } = await checkConfig(etc.folder);
  // A client of `pushClientConfig/` is left out.
  assert.equal(code, 6, out);
  for (
    const expected of [
      /pns\.delayDuration = 0 {3}\(pns\.properties:2:1\)/,
      /client 'droid' over gcm {3}\(pns-gcm-options\.yml\)/,
      /client 'droid8' over gcm {3}\(pushClientConfig\/\)/,
      /client 'crm' over webhook/,
      /mail\.properties: 1 property of other programs|mail\.properties: 2 properties of other/,
      /pns\.properties\.dpkg-old: not read, by its name/,
      /pns\.properties~: not read, by its name/,
      /allowTrustAll' \(no effect\): Certificates are always checked/,
      /begins with a byte order mark/,
      /Java ends this key at its first colon/,
      /Clients that are left out:\n {2}pushClientConfig\/clients\.yml:\d+:\d+: .*'_type' must be one of/,
      /A start on this folder succeeds/,
    ]
  ) assert.match(out, expected);
  assert.ok(!out.includes("0123"), "no key is shown");
});

Deno.test("check-config ends with 1 where a start would fail, and with 2 without a folder", async () => {
  await using etc = await etcFolder({
    ...syntheticEtc(),
    "carillon.properties": "io.carillon.internal.port=many\nio.carillon.feedback.secret=s\n",
  });
  const failing = await checkConfig(etc.folder);
  assert.equal(failing.code, 1);
  assert.match(failing.out, /carillon\.properties:1:27: .*must be a whole number/);
  assert.match(failing.out, /A start on this folder fails/);
  const nowhere = await checkConfig(`${etc.folder}/nowhere`);
  assert.equal(nowhere.code, 2);
  assert.match(nowhere.errors, /it is no folder/);
});
