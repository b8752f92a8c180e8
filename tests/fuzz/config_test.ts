/**
 * Configuration files made wrong from the shipped ones: a reload takes all of them, or none and says
 * in which file and line the fault is. Whatever it says, the service goes on.
 */

import assert from "node:assert/strict";
import type { FileFault } from "../../core/file_fault.ts";
import { OPTIONS_FILES, parseClientOptions, parseWebsocketClients } from "../../cascade/mod.ts";
import { compileTemplates } from "../../messages/mod.ts";
import { apnOptionsSchema } from "../../transports/apn/mod.ts";
import { gcmOptionsSchema } from "../../transports/gcm/mod.ts";
import { webPushOptionsSchema } from "../../transports/webpush/mod.ts";
import { wnsOptionsSchema } from "../../transports/wns/mod.ts";
import { testCascade } from "../cascade/support.ts";
import { assertProblem } from "../support/api.ts";
import { startTestService } from "../support/start_service.ts";
import { shippedTexts, spoiledConfig } from "./_config_texts.ts";
import { type Dice, fuzz } from "./_fuzz.ts";

const SCHEMAS = [
  [OPTIONS_FILES.apn, apnOptionsSchema],
  [OPTIONS_FILES.gcm, gcmOptionsSchema],
  [OPTIONS_FILES.wns, wnsOptionsSchema],
  [OPTIONS_FILES.webpush, webPushOptionsSchema],
] as const;

Deno.test("a reload of spoiled files takes them all, or none with the places of its faults", async () => {
  const shipped = await shippedTexts();
  await using t = await testCascade(Object.fromEntries(shipped));
  let refused = 0;
  await fuzz({ cases: 1_000 }, async (dice) => {
    const texts = spoiledFiles(shipped, dice);
    for (const [path, text] of texts) t.files.write(path, text);
    const before = t.cascade.current();
    const result = await t.cascade.reload();
    if (result.ok) {
      assert.deepEqual(
        texts.map(([path]) => t.cascade.current().file(path) ?? undefined)
          .filter((text, at) => text !== undefined && text !== texts[at]![1]),
        [],
      );
    } else {
      refused++;
      assert.equal(t.cascade.current(), before);
      assert.ok(result.faults.length > 0);
      assertPlaces(result.faults, texts);
    }
    for (const [path] of texts) t.files.write(path, shipped.get(path)!);
  });
  assert.ok(refused > 10, `${refused} were refused`);
});

Deno.test("what is wrong with options and templates is said with its line", async () => {
  const shipped = await shippedTexts();
  const parsers: Readonly<Record<string, (text: string) => readonly FileFault[]>> = {
    "pns-messages.yml": (text) => compileTemplates("pns-messages.yml", text).faults,
    "pns-websocket-clients.yml": (text) =>
      parseWebsocketClients("pns-websocket-clients.yml", text).faults,
    ...Object.fromEntries(SCHEMAS.map(([file, schema]) => [
      file,
      (text: string) => parseClientOptions<unknown>({ file, text }, schema).faults,
    ])),
  };
  let faulty = 0;
  await fuzz({ cases: 1_500 }, (dice) => {
    const [file, parse] = dice.pick(Object.entries(parsers));
    const text = spoiledConfig(shipped.get(file)!, dice);
    const faults = parse(text);
    if (faults.length > 0) faulty++;
    assertPlaces(faults, [[file, text]]);
  });
  assert.ok(faulty > 100, `${faulty} were faulty`);
});

Deno.test("a service survives any content of its files", async () => {
  const shipped = await shippedTexts();
  await using service = await startTestService({ files: Object.fromEntries(shipped) });
  await fuzz({ cases: 150 }, async (dice) => {
    // Not the properties: with a large delay a publish would say nothing.
    const texts = spoiledFiles(shipped, dice).filter(([path]) => !path.endsWith(".properties"));
    for (const [path, text] of texts) await service.configure(path, text);
    const answer = await service.call("POST", "/v1/admin/reload");
    if (answer.status !== 200) assertProblem(answer, "422 invalid_configuration");
    await service.publish();
    for (const [path] of texts) await service.configure(path, shipped.get(path)!);
  });
  const broken = service.log.filter((line) =>
    /failed unexpectedly|listener failed|cannot apply/.test(line)
  );
  assert.deepEqual(broken, []);
});

function spoiledFiles(
  shipped: ReadonlyMap<string, string>,
  dice: Dice,
): readonly (readonly [path: string, text: string])[] {
  const paths = new Set([dice.pick([...shipped.keys()]), dice.pick([...shipped.keys()])]);
  return [...paths].map((path) => [path, spoiledConfig(shipped.get(path)!, dice)]);
}

function assertPlaces(
  faults: readonly FileFault[],
  texts: readonly (readonly [path: string, text: string])[],
): void {
  for (const { file, line, column, message } of faults) {
    const text = texts.find(([path]) => path === file)?.[1];
    assert.ok(text !== undefined, `a fault of another file: ${file}: ${message}`);
    const place = `${file}:${line}:${column}: ${message}`;
    assert.ok(line >= 1 && line <= text.split(/\r\n|\n|\r/).length + 1 && column >= 1, place);
    assert.ok(message.length > 0 && message.length < 2_000, place);
  }
}
