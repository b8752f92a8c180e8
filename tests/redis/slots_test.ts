import assert from "node:assert/strict";
import { isWhole, slotMapOf, slotOf } from "../../redis/link/_slots.ts";

Deno.test("a key is in the slot that the specification says", () => {
  // The test vector of CRC-16/XMODEM, and what CLUSTER KEYSLOT answers.
  assert.equal(slotOf("123456789"), 0x31c3);
  assert.equal(slotOf("foo"), 12_182);
  assert.equal(slotOf(""), 0);
  assert.equal(slotOf("é😀"), 14_663);
});

Deno.test("only what is between the first braces counts, if it is anything", () => {
  assert.equal(slotOf("a:{user1000}:following"), slotOf("user1000"));
  assert.equal(slotOf("foo{{bar}}zap"), slotOf("{bar"));
  assert.equal(slotOf("foo{bar}{zap}"), slotOf("bar"));
  assert.notEqual(slotOf("foo{}{bar}"), slotOf("bar"));
  assert.notEqual(slotOf("foo}{bar"), slotOf("bar"));
});

Deno.test("the map of slots names the master of each range", () => {
  const asked = { host: "10.0.0.9", port: 7000 };
  const map = slotMapOf([
    [0, 8_191, ["10.0.0.1", 7000, "id"], ["10.0.0.2", 7000, "id"]],
    [8_192, 16_383, ["", 7001, "id"]],
  ], asked);
  assert.deepEqual([...map.masters.keys()], ["10.0.0.1:7000", "10.0.0.9:7001"]);
  assert.equal(map.owners[8_191], "10.0.0.1:7000");
  assert.equal(map.owners[8_192], "10.0.0.9:7001");
  assert.equal(isWhole(map), true);
});

Deno.test("a map with a slot that nobody has is not whole", () => {
  assert.equal(isWhole(slotMapOf([[0, 16_382, ["h", 1]]], { host: "h", port: 1 })), false);
  assert.equal(isWhole(slotMapOf([], { host: "h", port: 1 })), false);
});
