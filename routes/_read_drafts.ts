/**
 * The fast path for the body of a publish: reads it in one pass and copies its data unchanged. It
 * accepts only bodies that the schema accepts; any other body, and a few valid ones (names with
 * escapes, repeated names), it leaves to the schema, which also reports the faults.
 */

import type { JsonText } from "../core/json.ts";
import { JsonScanner, withoutSpace } from "../core/json_scanner.ts";
import type { NotificationDraft } from "../delivery/mod.ts";
import { DELIVERY_FIELDS } from "./_delivery_fields.ts";
import { isName, isTopic, MAX_BATCH, MAX_TTL_SECONDS } from "./_schemas.ts";

/** The notifications of one request. */
export interface Drafts {
  readonly drafts: readonly NotificationDraft[];
  /** Whether the body is a single notification and not a batch. */
  readonly alone: boolean;
}

const OPEN_BRACE = 0x7b;
const CLOSE_BRACE = 0x7d;
const OPEN_BRACKET = 0x5b;
const CLOSE_BRACKET = 0x5d;
const COMMA = 0x2c;
const COLON = 0x3a;

/** The user of a notification to many. */
export const NO_USER = "";

const PRIORITIES: ReadonlySet<unknown> = new Set(["high", "medium", "low"]);

/**
 * Returns the notifications of a body; undefined where the schema must decide.
 *
 * @param bytes the text in UTF-8
 */
export function readDrafts(text: string, bytes?: Uint8Array): Drafts | undefined {
  const scanner = new JsonScanner(text, bytes);
  const reader = new DraftReader(scanner);
  const drafts = reader.isBatch() ? reader.batch() : reader.alone();
  return scanner.peek() === undefined ? drafts : undefined;
}

class DraftReader {
  readonly #scanner: JsonScanner;
  /** The previous values, which often repeat: then they are not validated and stored again. */
  #context = "";
  #topic = "";

  constructor(scanner: JsonScanner) {
    this.#scanner = scanner;
  }

  /** Whether the body begins like a batch; if so, moves the scanner to its list. */
  isBatch(): boolean {
    const scanner = this.#scanner;
    if (scanner.take(OPEN_BRACE) && this.#name() === "notifications") return true;
    scanner.at = 0;
    return false;
  }

  /** Reads the list of `{"notifications":[…]}`. */
  batch(): Drafts | undefined {
    const scanner = this.#scanner;
    const drafts: NotificationDraft[] = [];
    if (!scanner.take(OPEN_BRACKET)) return undefined;
    do {
      const draft = this.#draft();
      if (!draft || drafts.push(draft) > MAX_BATCH) return undefined;
    } while (scanner.take(COMMA));
    if (!scanner.take(CLOSE_BRACKET) || !scanner.take(CLOSE_BRACE)) return undefined;
    return { drafts, alone: false };
  }

  /** Reads `{"context":…}`. */
  alone(): Drafts | undefined {
    const draft = this.#draft();
    return draft && { drafts: [draft], alone: true };
  }

  #draft(): NotificationDraft | undefined {
    const scanner = this.#scanner;
    let context, user, topic, data, priority, ttl, sourceToken, collapseKey: unknown;
    let more: Record<string, unknown> | undefined;
    if (!scanner.take(OPEN_BRACE)) return undefined;
    do {
      const name = this.#name();
      if (name === undefined) return undefined;
      if (Object.hasOwn(DELIVERY_FIELDS, name)) {
        const field = this.#checked(name);
        if (field === undefined || more && name in more) return undefined;
        more = { ...more, [name]: field };
        continue;
      }
      const value = name === "data" ? this.#data() : this.#scalar();
      if (value === undefined) return undefined;
      if (name === "context" && context === undefined) context = value;
      else if (name === "user" && user === undefined) user = value;
      else if (name === "topic" && topic === undefined) topic = value;
      else if (name === "data" && data === undefined) data = value;
      else if (name === "priority" && priority === undefined) priority = value;
      else if (name === "ttl" && ttl === undefined) ttl = value;
      else if (name === "sourceToken" && sourceToken === undefined) sourceToken = value;
      else if (name === "collapseKey" && collapseKey === undefined) collapseKey = value;
      else return undefined;
    } while (scanner.take(COMMA));
    if (!scanner.take(CLOSE_BRACE)) return undefined;

    context = this.#contextOf(context);
    const forMany = more?.["users"] ?? more?.["audience"];
    if (forMany === undefined) user = nameOf(user);
    else if (user !== undefined || (more!["users"] && more!["audience"])) return undefined;
    else user = NO_USER;
    topic = this.#topicOf(topic);
    const isValid = context !== undefined && user !== undefined && topic !== undefined &&
      data !== undefined && (priority === undefined || PRIORITIES.has(priority)) &&
      (ttl === undefined || isTtl(ttl)) &&
      (sourceToken === undefined || isText(sourceToken, 4096)) &&
      (collapseKey === undefined || isText(collapseKey, 255));
    const draft = { context, user, topic, data, priority, ttl, sourceToken, collapseKey };
    return isValid ? (more ? { ...draft, ...more } : draft) as NotificationDraft : undefined;
  }

  /** Reads the name of a member and its colon; undefined where the name contains escapes. */
  #name(): string | undefined {
    const scanner = this.#scanner;
    scanner.peek();
    const from = scanner.at + 1;
    if (!scanner.skipString()) return undefined;
    const name = scanner.text.slice(from, scanner.at - 1);
    return scanner.take(COLON) && !name.includes("\\") ? name : undefined;
  }

  /** Reads a field that few notifications have; its schema validates it. */
  #checked(name: string): unknown {
    const scanner = this.#scanner;
    scanner.peek();
    const from = scanner.at;
    if (!scanner.skipValue()) return undefined;
    const value: unknown = JSON.parse(scanner.text.slice(from, scanner.at));
    const checked = DELIVERY_FIELDS[name]!.safeParse(value);
    return checked.success ? checked.data : undefined;
  }

  /** Reads a value that is neither a list nor an object. */
  #scalar(): unknown {
    const scanner = this.#scanner;
    const code = scanner.peek();
    if (code === OPEN_BRACE || code === OPEN_BRACKET) return undefined;
    const from = scanner.at;
    if (!scanner.skipValue()) return undefined;
    const json = scanner.text.slice(from, scanner.at);
    return code === 0x22 && !json.includes("\\") ? json.slice(1, -1) : JSON.parse(json);
  }

  #contextOf(value: unknown): string | undefined {
    if (value === this.#context && value !== "") return this.#context;
    const name = nameOf(value);
    return name === undefined ? undefined : this.#context = name;
  }

  #topicOf(value: unknown): string | undefined {
    if (value === this.#topic && value !== "") return this.#topic;
    return typeof value === "string" && isTopic(value) ? this.#topic = value : undefined;
  }

  #data(): JsonText | undefined {
    const scanner = this.#scanner;
    if (scanner.peek() !== OPEN_BRACE) return undefined;
    const from = scanner.at;
    scanner.spaced = false;
    if (!scanner.skipValue()) return undefined;
    const json = scanner.text.slice(from, scanner.at);
    return scanner.spaced ? withoutSpace(json) : json;
  }
}

function nameOf(value: unknown): string | undefined {
  if (typeof value === "string") return isName(value) ? value : undefined;
  const isWhole = typeof value === "number" && Number.isSafeInteger(value) && value >= 0;
  return isWhole ? String(value) : undefined;
}

function isTtl(value: unknown): boolean {
  return Number.isInteger(value) && value as number >= 1 && value as number <= MAX_TTL_SECONDS;
}

function isText(value: unknown, maxLength: number): boolean {
  return typeof value === "string" && value.length >= 1 && value.length <= maxLength;
}
