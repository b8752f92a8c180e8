import assert from "node:assert/strict";
import { soakHttp2 } from "../../chaos/http2_soak.ts";
import { makeCertificate } from "../support/certificate.ts";

Deno.test("each of 20,000 requests through resets, GOAWAYs, drops and stalls has one result", async () => {
  const report = await soakHttp2({
    ...{ seed: 9, requests: 20_000, workers: 300 },
    pair: await makeCertificate(),
  });
  assert.equal(report.resolved, 20_000);
  assert.equal(report.answeredTwice, 0);
  assert.equal(report.wronglyUnsent, 0);
  assert.equal(report.invented, 0);
  assert.ok(report.results["200"]! > 18_000, JSON.stringify(report.results));
  assert.deepEqual(
    ["refuse", "reset", "ignore", "late", "limit", "goaway", "drop"]
      .filter((kind) => !report.faults[kind]),
    [],
    "every fault was met",
  );
});
