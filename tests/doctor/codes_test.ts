/** Every finding that the doctor knows is one that some set-up of these tests has. */

import assert from "node:assert/strict";

/** Of the issue that asked for a doctor. */
const AT_LEAST = 20;

async function textsIn(folder: string): Promise<readonly string[]> {
  const url = new URL(folder, import.meta.url);
  const names = (await Array.fromAsync(Deno.readDir(url))).map(({ name }) => name);
  return await Promise.all(names.map((name) => Deno.readTextFile(new URL(name, url))));
}

Deno.test("each code of the doctor is found in a set-up that is wrong on purpose", async () => {
  const checks = (await textsIn("../../doctor/checks/")).join("\n");
  const codes = new Set(
    [...checks.matchAll(/(?:error|warning|contradict)\(\s*"([a-z]+_[a-z_]+)"|\? ?"(redis_\w+)"/g)]
      .map(([, code, ofRedis]) => code ?? ofRedis!),
  );
  for (
    const code of ["clock_skew", "redis_evicts", "proxy_buffers_stream", "secret_file_readable"]
  ) {
    assert.ok(codes.has(code), code);
  }
  assert.ok(codes.size >= AT_LEAST, String(codes.size));
  const tests = (await textsIn("./")).join("\n");
  assert.deepEqual([...codes].filter((code) => !tests.includes(`"${code}"`)), []);
});
