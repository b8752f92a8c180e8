/** The `data` map of a message: what the app gets to read, as texts under permitted names. */

import { isJsonObject, type Json, type JsonObject } from "../../core/json.ts";
import type { Message } from "../../core/message.ts";

/** Names that FCM keeps for itself; `collapse_key` would be overwritten. */
const RESERVED = /^(?:from|message_type|collapse_key|notification|google.*|gcm.*)$/i;

/**
 * The notification's data beside its id and topic, by which the app recognises a repeat. Values
 * that are no text become JSON; a reserved name gets `_` put before it. Where the data has a field of
 * its own called `notificationId`, `topic` or `link`, that one is kept.
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

/** The same object with every value as a text. */
export function stringValues(data: JsonObject): Record<string, string> {
  return Object.fromEntries(
    Object.entries(data).map(([key, value]) => [key.toWellFormed(), asText(value)]),
  );
}

/** Fields of an object that may be absent or something else. */
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
