import assert from "node:assert/strict";
import { isSoundReport, reportOf } from "../../chaos/kill_report.ts";
import type { Arrival, ClientRecord } from "../../chaos/run_record.ts";

function client(generation: 2 | 4, arrivals: readonly Arrival[], more: Partial<ClientRecord> = {}) {
  return {
    ...{ name: "c", user: 0, generation, arrivals, connected: [], returns: 1, recovered: 1 },
    ...{ resyncs: [], complaints: [], ...more },
  };
}

function arrivals(...all: readonly (readonly [n: number, offset?: string])[]): Arrival[] {
  return all.map(([n, offset]) => ({ n, at: 0, ...(offset !== undefined && { offset }) }));
}

function expected(): readonly number[] {
  return [1, 2];
}

Deno.test("clients that got everything are sound, and 2.5 may get it again", () => {
  const report = reportOf([
    client(4, arrivals([1, "0001"], [2, "0002"])),
    client(2, arrivals([1], [2], [1], [2])),
  ], expected);
  assert.ok(isSoundReport(report));
  assert.equal(report.mostOften, 2);
});

for (
  const [fault, record, where] of [
    ["missing", client(2, arrivals([1])), { missing: 1 }],
    ["twice at one offset", client(4, arrivals([1, "1"], [1, "1"], [2, "2"])), {
      ...{ twiceByOffset: 1, twice: 1 },
    }],
    ["twice at two offsets", client(4, arrivals([1, "1"], [2, "2"], [2, "3"])), { twice: 1 }],
    ["out of order", client(4, arrivals([2, "2"], [1, "1"])), { outOfOrder: 1 }],
    ["received resync", client(4, arrivals([1, "1"], [2, "2"]), { resyncs: [5] }), {}],
    ["refused", client(2, arrivals([1], [2]), { complaints: ["refused"] }), {}],
  ] as const
) {
  Deno.test(`a client with something ${fault} is not sound`, () => {
    const report = reportOf([record], expected);
    assert.ok(!isSoundReport(report));
    assert.deepEqual({ ...report, ...where }, report);
  });
}
