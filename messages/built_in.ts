/**
 * The messages that the service creates without a template: the visible content of a new mail or an
 * invitation, and a silent update for everything else.
 */

import { isJsonObject, type Json, type JsonObject } from "../core/json.ts";
import type { Message } from "../core/message.ts";
import type { ParsedNotification } from "../core/notification.ts";
import { countOf, textOf } from "./fields.ts";

/** The parts of a message that depend on the topic, not yet cleaned or shortened. */
export interface MessageDraft extends
  Partial<
    Pick<
      Message,
      "title" | "body" | "badge" | "sound" | "thread" | "category" | "collapseKey" | "icon" | "link"
    >
  > {
  /** Absent: silent where there is neither title nor body. */
  readonly silent?: boolean;
}

const MAIL = "ox:mail:new";
const CALENDAR = "ox:calendar:updates";
/** The original's mobile apps attach action buttons to this name. */
const MAIL_CATEGORY = "new-message-category";
const SOUND = "default";
/** The most lines of a message about several mails. */
const MAX_LINES = 5;

/** Returns the built-in message of a notification. */
export function draftOf({ topic, data }: Pick<ParsedNotification, "topic" | "data">): MessageDraft {
  switch (topic) {
    case MAIL:
      return mailDraft(data);
    case CALENDAR:
      return calendarDraft(data);
    default:
      return otherDraft(data);
  }
}

/** Adds the fields of the newest of several mails to the data, for templates. */
export function withNewestMail(notification: ParsedNotification): ParsedNotification {
  const { topic, data } = notification;
  const newest = topic === MAIL ? mailsOf(data).at(-1) : undefined;
  return newest ? { ...notification, data: { ...data, ...newest } } : notification;
}

/** Without rich push data a mail server sends only the folder; nothing is shown then. */
function mailDraft(data: JsonObject): MessageDraft {
  const mails = mailsOf(data);
  if (mails.length > 1) return mailsDraft(data, mails);
  const mail = mails.length === 0 ? data : { ...data, ...mails[0] };
  const subject = textOf(mail.subject);
  const sender = senderOf(mail);
  const folder = textOf(mail.folder);
  const id = textOf(mail.id);
  const collapseKey = textOf(mail.cid) || (folder && id ? `${folder}/${id}` : "");
  const draft: { -readonly [K in keyof MessageDraft]: MessageDraft[K] } = numberOf(mail.unread);
  if (folder !== "") draft.thread = folder;
  if (collapseKey !== "") draft.collapseKey = collapseKey;
  draft.silent = subject === "" && sender === "";
  if (draft.silent) return draft;
  const teaser = textOf(mail.teaser);
  draft.title = sender || "New mail";
  draft.body = subject || "No subject";
  if (teaser !== "") draft.body += `\n${teaser}`;
  draft.category = MAIL_CATEGORY;
  draft.sound = SOUND;
  return draft;
}

function mailsDraft(data: JsonObject, mails: readonly JsonObject[]): MessageDraft {
  const folder = textOf(data.folder) || textOf(mails[0]!.folder);
  const newest = mails.findLast(({ unread }) => unread !== undefined);
  const lines = mails.slice(-MAX_LINES)
    .map((mail) => [senderOf(mail), textOf(mail.subject)].filter(Boolean).join(": "))
    .filter(Boolean);
  const draft = { ...numberOf(data.unread ?? newest?.unread), ...folder && { thread: folder } };
  if (lines.length === 0) return { ...draft, silent: true };
  return {
    ...draft,
    silent: false,
    title: `${mails.length} new mails`,
    body: lines.join("\n"),
    category: MAIL_CATEGORY,
    sound: SOUND,
  };
}

/** Only what needs an answer is shown; the app refreshes everything else. */
function calendarDraft(data: JsonObject): MessageDraft {
  const { needsAction } = data;
  if (!Array.isArray(needsAction) || needsAction.length === 0) return { silent: true };
  const count = countOf({ needsAction });
  return {
    silent: false,
    title: count === 1 ? "1 invitation" : `${count} invitations`,
    body: count === 1 ? "It is waiting for your answer" : "They are waiting for your answer",
    thread: CALENDAR,
    sound: SOUND,
  };
}

function otherDraft(data: JsonObject): MessageDraft {
  return {
    title: textOf(data.title),
    body: textOf(data.message) || textOf(data.body) || textOf(data.subject),
    ...numberOf(data.unread),
    sound: SOUND,
  };
}

/** Mails that arrive together come as a list (the original's `args`). */
function mailsOf({ args }: JsonObject): readonly JsonObject[] {
  return Array.isArray(args) ? (args as readonly Json[]).filter(isJsonObject) : [];
}

function senderOf(mail: JsonObject): string {
  return textOf(mail.displayname) || textOf(mail.email);
}

function numberOf(unread: Json | undefined): Pick<MessageDraft, "badge"> {
  return Number.isSafeInteger(unread) && unread as number >= 0 ? { badge: unread as number } : {};
}
