/**
 * The values of placeholders: known data fields, values derived from them, and any other field by
 * `data.` and its path. A missing or unexpected value becomes an empty text, never an error.
 */

import { isJsonObject, type Json, type JsonObject } from "../core/json.ts";
import type { ParsedNotification } from "../core/notification.ts";

/** Reads one value of a notification as text; empty where there is none. */
export type Field = (notification: ParsedNotification) => string;

/** Data fields with a name of their own (the original's `PushNotificationField`). */
const DATA_FIELDS = [
  "folder",
  "id",
  "cid",
  "email",
  "displayname",
  "subject",
  "teaser",
  "unread",
  "title",
  "message",
  "location",
  "start_date",
  "end_date",
  "folders",
  "needsAction",
];

const DERIVED: Readonly<Record<string, Field>> = {
  sender: ({ data }) => textOf(data.displayname) || textOf(data.email),
  count: ({ data }) => `${countOf(data)}`,
  topic: ({ topic }) => topic,
  context: ({ context }) => context,
  user: ({ user }) => user,
};

const FIELDS = new Map<string, Field>([
  ...DATA_FIELDS.map((name): [string, Field] => [name, ({ data }) => textOf(own(data, name))]),
  ...Object.entries(DERIVED),
]);

/** The names of placeholders, for error messages; `data.` and a path is always possible. */
export const FIELD_NAMES: readonly string[] = [...FIELDS.keys()];

/** Returns the field of a name, or `undefined`. */
export function fieldOf(name: string): Field | undefined {
  if (!name.startsWith("data.")) return FIELDS.get(name);
  const path = name.split(".").slice(1);
  if (path.includes("")) return undefined;
  return ({ data }) => {
    let value: Json | undefined = data;
    for (const part of path) value = isJsonObject(value) ? own(value, part) : undefined;
    return textOf(value);
  };
}

/** Converts a value to text: lists with commas; objects and missing values are empty. */
export function textOf(value: Json | undefined): string {
  if (typeof value === "string") return value.trim();
  if (typeof value === "number" || typeof value === "boolean") return `${value}`;
  if (!Array.isArray(value)) return "";
  return value.slice(0, 20).map((item) => Array.isArray(item) ? "" : textOf(item))
    .filter((text) => text !== "").join(", ");
}

/** Counts the mails in a notification, or the events that need an answer; otherwise 1. */
export function countOf({ args, needsAction }: JsonObject): number {
  if (Array.isArray(args) && args.length > 0) return args.length;
  return Array.isArray(needsAction) ? needsAction.length : 1;
}

/** Data may contain a field named `constructor`; the inherited value must not appear. */
function own(object: JsonObject, name: string): Json | undefined {
  return Object.hasOwn(object, name) ? object[name] : undefined;
}
