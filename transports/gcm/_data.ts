/** Builds the `data` map of a message: texts that the app reads, under permitted names. */

import { isJsonObject, type Json, type JsonObject } from "../../core/json.ts";
import type { Message } from "../../core/message.ts";

/** Names that FCM reserves; `collapse_key` would be overwritten. */
const RESERVED = /^(?:from|message_type|collapse_key|notification|google.*|gcm.*)$/i;

/**
 * The notification's data with its id and topic, by which the app recognizes a repeat. Values that
 * are not texts become JSON; a reserved name gets the prefix `_`. A data field named
 * `notificationId`, `topic` or `link` wins.
 */
export function dataMap(
  { id, topic, link, dismiss, receipt }: Pick<
    Message,
    "id" | "topic" | "link" | "dismiss" | "receipt"
  >,
  data: JsonObject,
): JsonObject {
  return {
    notificationId: id,
    topic,
    ...link === undefined ? {} : { link },
    ...dismiss === undefined ? {} : { dismiss },
    ...receipt === undefined ? {} : { receipt },
    ...renameReserved(stringValues(data)),
  };
}

/** Returns the object with every value as a text. */
export function stringValues(data: JsonObject): Record<string, string> {
  return Object.fromEntries(
    Object.entries(data).map(([key, value]) => [key.toWellFormed(), asText(value)]),
  );
}

/** Returns the value if it is an object, else an empty one. */
export function objectOrEmpty(value: Json | undefined): JsonObject {
  return isJsonObject(value) ? value : {};
}

function asText(value: Json): string {
  return (typeof value === "string" ? value : JSON.stringify(value)).toWellFormed();
}

function renameReserved(data: Record<string, string>): Record<string, string> {
  const taken = new Set(Object.keys(data));
  return Object.fromEntries(
    Object.entries(data).map(([key, value]) => {
      if (!RESERVED.test(key)) return [key, value];
      let renamed = `_${key}`;
      while (taken.has(renamed)) renamed = `_${renamed}`;
      taken.add(renamed);
      return [renamed, value];
    }),
  );
}

/** Applies a JSON Merge Patch (RFC 7396): objects merge, `null` removes, the rest replaces. */
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
