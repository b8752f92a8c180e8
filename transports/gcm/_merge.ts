/** JSON Merge Patch (RFC 7396), for what a template sets in the provider's own format. */

import { isJsonObject, type Json, type JsonObject } from "../../core/json.ts";

/** `patch` over `target`: objects merge, `null` removes, everything else replaces. */
export function mergePatch(target: JsonObject, patch: JsonObject): JsonObject {
  const merged: Record<string, Json> = { ...target };
  for (const [key, value] of Object.entries(patch)) {
    const old = Object.hasOwn(merged, key) ? merged[key] : undefined;
    if (value === null) delete merged[key];
    else if (isJsonObject(value)) merged[key] = mergePatch(isJsonObject(old) ? old : {}, value);
    else merged[key] = value;
  }
  return merged;
}
