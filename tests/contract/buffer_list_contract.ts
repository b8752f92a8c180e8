/** The contract of the list of notifications that every buffer gives operators. */

import assert from "node:assert/strict";
import type { LedgerQuery } from "../../core/ledger_list.ts";
import type { Buffer } from "../../buffer/mod.ts";
import type { Rule } from "./_buffer_bench.ts";

/** Registers the rules. */
export function testList(test: Rule): void {
  test("the list has what is settled and what is in flight, the newest first, in pages", async (bench) => {
    const settled = Array.from({ length: 7 }, (_, n) => bench.make({ data: `{"n":${n}}` }));
    await bench.buffer.put(settled);
    await bench.pass(1500);
    await bench.crash();
    const waiting = Array.from({ length: 4 }, (_, n) => bench.make({ data: `{"m":${n}}` }));
    await bench.buffer.put(waiting);
    const found = await all(bench.buffer, { limit: 3 });
    assert.deepEqual(found, [...settled, ...waiting].map(({ id }) => id).sort().reverse());
  });

  test("the list is filtered by context, user, topic and state", async (bench) => {
    const one = bench.make({ context: "1", user: "3", topic: "ox:mail:new" });
    const other = bench.make({ context: "1", user: "4", topic: "ox:calendar:updates" });
    const third = bench.make({ context: "2", user: "3", topic: "ox:mail:flags" });
    await bench.buffer.put([one, other, third]);
    await bench.pass(1500);
    const waiting = bench.make({ context: "2", user: "5", topic: "ox:mail:new" });
    await bench.buffer.put([waiting]);
    const cases: [Omit<LedgerQuery, "limit">, readonly string[]][] = [
      [{ context: "1" }, [other.id, one.id]],
      [{ context: "1", user: "3" }, [one.id]],
      [{ topic: "ox:mail:*" }, [waiting.id, third.id, one.id]],
      [{ state: "in_flight" }, [waiting.id]],
      [{ state: "delivered" }, [third.id, other.id, one.id]],
      [{ contexts: new Set(["2"]) }, [waiting.id, third.id]],
      [{ contexts: new Set(["1"]), context: "2" }, []],
    ];
    for (const [query, expected] of cases) {
      assert.deepEqual(await all(bench.buffer, { ...query, limit: 2 }), expected);
    }
  });
}

async function all(buffer: Buffer, query: LedgerQuery): Promise<readonly string[]> {
  const ids: string[] = [];
  for (let before = query.before;;) {
    const page = await buffer.list({ ...query, ...before !== undefined && { before } });
    assert.ok(page.items.length <= query.limit);
    ids.push(...page.items.map(({ id }) => id));
    if (page.next === undefined) return ids;
    before = page.next;
  }
}
