import assert from "node:assert/strict";
import { type ConfigFiles, createDenoConfigFiles } from "../../cascade/mod.ts";
import { createMemoryConfigFiles } from "../support/memory_config_files.ts";

interface Folder extends AsyncDisposable {
  readonly files: ConfigFiles;
  write(path: string, text: string): Promise<void>;
}

const FOLDERS: Readonly<Record<string, () => Promise<Folder>>> = {
  "in memory": () => {
    const files = createMemoryConfigFiles();
    return Promise.resolve({
      files,
      write: (path: string, text: string) => Promise.resolve(files.write(path, text)),
      [Symbol.asyncDispose]: () => Promise.resolve(),
    });
  },
  "on disk": async () => {
    const root = await Deno.makeTempDir();
    return {
      files: createDenoConfigFiles(`${root}/`),
      async write(path, text) {
        await Deno.mkdir(`${root}/${path}`.replace(/\/[^/]*$/, ""), { recursive: true });
        await Deno.writeTextFile(`${root}/${path}`, text);
      },
      [Symbol.asyncDispose]: () => Deno.remove(root, { recursive: true }),
    };
  },
};

for (const [where, open] of Object.entries(FOLDERS)) {
  Deno.test(`a folder ${where} lists properties and YAML files at any depth`, async () => {
    await using folder = await open();
    await folder.write("b.properties", "");
    await folder.write("contextSets/a.yml", "");
    await folder.write("deep/er/c.yaml", "");
    await folder.write("key.p8", "");
    const paths = [...await folder.files.list()].sort();
    assert.deepEqual(paths, ["b.properties", "contextSets/a.yml", "deep/er/c.yaml"]);
  });

  Deno.test(`a folder ${where} reads a file, and rejects for one that is not there`, async () => {
    await using folder = await open();
    await folder.write("a.properties", "ä=1\n");
    assert.equal(await folder.files.read("a.properties"), "ä=1\n");
    await assert.rejects(folder.files.read("b.properties"));
  });

  Deno.test(`a folder ${where} reports changes until the watch is aborted`, async () => {
    await using folder = await open();
    const stop = new AbortController();
    const changed = Promise.withResolvers<void>();
    const watching = folder.files.watch(changed.resolve, stop.signal);
    await folder.write("a.properties", "a=1");
    await changed.promise;
    stop.abort();
    await watching;
    await folder.files.watch(() => assert.fail(), stop.signal);
  });
}

Deno.test("a folder that is missing on disk is empty and cannot be watched", async () => {
  const root = await Deno.makeTempDir();
  await Deno.remove(root);
  const files = createDenoConfigFiles(root);
  assert.deepEqual(await files.list(), []);
  await assert.rejects(files.watch(() => {}, new AbortController().signal));
});

Deno.test("a ConfigMap's links are followed and its hidden folders passed over", async () => {
  const root = await Deno.makeTempDir();
  try {
    await Deno.mkdir(`${root}/..2026`);
    await Deno.writeTextFile(`${root}/..2026/a.properties`, "a=1");
    await Deno.symlink("..2026", `${root}/..data`);
    await Deno.symlink("..data/a.properties", `${root}/a.properties`);
    await Deno.symlink("nowhere", `${root}/b.properties`);
    const files = createDenoConfigFiles(root);
    assert.deepEqual(await files.list(), ["a.properties"]);
    assert.equal(await files.read("a.properties"), "a=1");
  } finally {
    await Deno.remove(root, { recursive: true });
  }
});
