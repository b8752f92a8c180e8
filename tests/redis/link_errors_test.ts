import assert from "node:assert/strict";
import { ServiceError } from "../../core/errors.ts";
import { type ErrorMeaning, errorOf, meaningOf, redirection } from "../../redis/link/_errors.ts";
import { better, sampleOf } from "../../redis/link/_server_time.ts";

const MEANINGS: Readonly<Record<string, ErrorMeaning>> = {
  "OOM command not allowed when used memory > 'maxmemory'.": "unavailable",
  "-OOM command not allowed when used memory > 'maxmemory'.": "unavailable",
  "LOADING Redis is loading the dataset in memory": "unavailable",
  "CLUSTERDOWN Hash slot not served": "unavailable",
  "MISCONF Errors writing to the AOF file": "unavailable",
  "TRYAGAIN Multiple keys request during rehashing of slot": "unavailable",
  "BUSY Redis is busy running a script.": "unavailable",
  "NOAUTH Authentication required.": "unavailable",
  "NOREPLICAS Not enough good replicas to write.": "unavailable",
  "ERR max number of clients reached": "unavailable",
  "READONLY You can't write against a read only replica.": "not_master",
  "UNBLOCKED force unblock from blocking operation, instance state changed": "not_master",
  "NOSCRIPT No matching script.": "unknown_script",
  "MOVED 3999 127.0.0.1:6381": "moved",
  "ASK 3999 127.0.0.1:6381": "ask",
  "ERR unknown command 'X'": "other",
  "WRONGTYPE Operation against a key holding the wrong kind of value": "other",
  "CROSSSLOT Keys in request don't hash to the same slot": "other",
  "": "other",
};

for (const [message, meaning] of Object.entries(MEANINGS)) {
  Deno.test(`the answer '${message}' means: ${meaning}`, () => {
    assert.equal(meaningOf(new Error(message)), meaning);
  });
}

Deno.test("what is meant for a while is unavailable, and what is wrong is not", () => {
  const full = errorOf(new Error("OOM no memory"), "SET");
  assert.ok(full instanceof ServiceError && full.retryAfterSeconds === 1);
  assert.equal(full.message, "Cannot run SET on Redis: OOM no memory");
  const wrong = errorOf(new Error("WRONGTYPE no"), "SET");
  assert.ok(wrong instanceof Error && !(wrong instanceof ServiceError));
});

Deno.test("a redirection names a server, with IPv6 and without a host too", () => {
  const at = (message: string) => redirection(message);
  assert.deepEqual(at("MOVED 1 10.0.0.1:7000"), { slot: 1, host: "10.0.0.1", port: 7000 });
  assert.deepEqual(at("ASK 2 ::1:7000"), { slot: 2, host: "::1", port: 7000 });
  assert.deepEqual(at("MOVED 3 :7000"), { slot: 3, host: "", port: 7000 });
  assert.equal(at("ERR 3 :7000"), undefined);
});

Deno.test("the server's time is what it said half way through the question", () => {
  const sample = sampleOf(["1700000000", "250000"], { from: 100, to: 110 });
  assert.deepEqual(sample, { offsetMs: 1_700_000_000_250 - 105, errorMs: 5 });
});

Deno.test("a slow answer does not replace a better one, unless it contradicts it", () => {
  const good = { offsetMs: 1_000, errorMs: 1 };
  assert.equal(better(good, { offsetMs: 1_040, errorMs: 50 }), good);
  const quick = { offsetMs: 1_002, errorMs: 0.5 };
  assert.equal(better(good, quick), quick);
  const moved = { offsetMs: 1_100, errorMs: 50 };
  assert.equal(better(good, moved), moved);
});
