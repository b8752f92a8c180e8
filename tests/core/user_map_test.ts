/** Users whose names look alike have values of their own. */

import assert from "node:assert/strict";
import { UserMap } from "../../core/user_map.ts";

const NAMES = [
  ...["", "0", "00", "007", "7", "07", "+7", "-7", "7.0", " 7", "7 ", "7e0", "0x7", "٧", "/", ":"],
  ...["123456789", "0123456789", "1234567890", "12345678901234567890", "Infinity", "NaN"],
];

Deno.test("names that are numbers, or look like the same number, are different users", () => {
  const map = new UserMap<string>();
  for (const user of NAMES) map.set({ context: "1", user }, user);
  assert.equal(map.size, NAMES.length);
  for (const user of NAMES) {
    assert.equal(map.get({ context: "1", user }), user);
    assert.equal(map.get({ context: "2", user }), undefined);
  }
  for (const user of NAMES) {
    assert.equal(map.delete({ context: "1", user }), true, user);
    assert.equal(map.get({ context: "1", user }), undefined);
  }
  assert.deepEqual([map.size, [...map.values()]], [0, []]);
});
