import assert from "node:assert/strict";
import { canonicalLocale, localeChain } from "../../core/locale.ts";

Deno.test("a language tag becomes canonical, and what is none is told", () => {
  assert.equal(canonicalLocale("DE-ch"), "de-CH");
  assert.equal(canonicalLocale("zh-hant-tw"), "zh-Hant-TW");
  for (
    const odd of ["", "../../etc", "de_CH", "d", "*", "de-", `de-${"x".repeat(40)}`, "de\u0000"]
  ) {
    assert.equal(canonicalLocale(odd), undefined, odd);
  }
});

Deno.test("each wish is followed by its shorter forms, and nothing is tried that is no tag", () => {
  assert.deepEqual(localeChain(["de-CH-1996", undefined, "../../etc", "en"]), [
    "de-CH-1996",
    "de-CH",
    "de",
    "en",
  ]);
  assert.deepEqual(localeChain(["zh-Hant-u-co-stroke"]), [
    "zh-Hant-u-co-stroke",
    "zh-Hant-u-co",
    "zh-Hant",
    "zh",
  ]);
  assert.deepEqual(localeChain([]), []);
});
