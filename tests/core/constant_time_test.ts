import assert from "node:assert/strict";
import { equalsInConstantTime } from "../../core/constant_time.ts";

Deno.test("texts are equal only where all their bytes are, whatever their lengths", () => {
  assert.equal(equalsInConstantTime("secret", "secret"), true);
  assert.equal(equalsInConstantTime("", ""), true);
  for (const other of ["secreT", "secre", "secret ", "", "sécret", "secré"]) {
    assert.equal(equalsInConstantTime("secret", other), false, other);
  }
});
