/**
 * Creates the message of a notification for one client and transport: the built-in one of the
 * topic, changed by a template. It never fails, whatever the data contain; every text is bounded.
 */

import type { Dismissal } from "../core/delivery_options.ts";
import type { Message } from "../core/message.ts";
import { type Notification, parseData, type ParsedNotification } from "../core/notification.ts";
import type { Target } from "../core/subscription.ts";
import { draftOf, type MessageDraft, withNewestMail } from "./built_in.ts";
import { cleanText } from "./clean_text.ts";
import { applyTemplate, bestLocale, localized } from "./template.ts";
import type { Templates } from "./template_index.ts";

/** The message settings of one user. */
export interface MessageOptions {
  /** @default {true} */
  readonly badge?: boolean;
  /** @default {true} */
  readonly sound?: boolean;
  /** The sound's name where no template sets one. */
  readonly soundName?: string;
  /** Languages from the best on; without any, texts are those of no language. */
  readonly locales?: readonly string[];
}

interface MessageGenerator {
  generate(
    notification: Notification,
    target: Pick<Target, "client" | "transport">,
    options?: MessageOptions,
  ): Message;
  /** Returns the languages of the template that {@link generate} would apply, and its choice. */
  languages(
    notification: Notification,
    target: Pick<Target, "client" | "transport">,
    wanted: readonly string[],
  ): TemplateLanguages | undefined;
}

/** The languages of a template. */
export interface TemplateLanguages {
  readonly available: readonly string[];
  /** Absent: the texts of no language. */
  readonly chosen?: string;
}

const TEXTS = ["title", "body", "sound", "thread", "category", "link", "icon"] as const;
const DEFAULT_SOUND = "default";

/** Creates a generator. It reads the templates for each message, so that they can be replaced. */
export function createMessageGenerator(
  { templates }: { readonly templates: () => Templates },
): MessageGenerator {
  return {
    languages({ topic, options }, target, wanted) {
      if (hasNoTexts(target.transport) || options?.dismiss) return undefined;
      const found = templates().find(target, topic);
      if (!found?.template.locales || found.private) return undefined;
      const chosen = bestLocale(found.template, wanted);
      const available = [...found.template.locales.keys()];
      return { available, ...chosen !== undefined && { chosen } };
    },
    generate(given, target, options = {}) {
      const notification: ParsedNotification = { ...given, data: parseData(given) };
      const bare = bareMessage(notification);
      // Sockets receive topic and data unchanged.
      if (target.transport === "websocket") return bare;
      const { dismiss } = given.options ?? {};
      if (dismiss) return dismissal(bare, dismiss);
      // Webhooks carry the client that caused it as well, for the receiver to leave out.
      if (target.transport === "webhook") return { ...bare, ...sourceOf(notification) };
      const found = templates().find(target, notification.topic);
      if (found?.private) return { ...bare, data: {} };
      const draft = draftOf(notification);
      const { extra, ...changed }: ReturnType<typeof applyTemplate> = found
        ? applyTemplate(localized(found.template, options.locales ?? []), {
          draft,
          notification: withNewestMail(notification),
        })
        : draft;
      const message = withParts(bare, withOptions(changed, options), notification);
      return extra ? { ...message, extra } : message;
    },
  };
}

/** Sockets and webhooks receive topic and data unchanged. */
function hasNoTexts(transport: Target["transport"]): boolean {
  return transport === "websocket" || transport === "webhook";
}

function bareMessage({ id, topic, data, priority, expiresAt }: ParsedNotification): Message {
  const bare = { id, topic, data, priority, silent: true };
  return expiresAt === undefined ? bare : { ...bare, expiresAt };
}

/** Nothing to show. It replaces what a provider has not handed on yet, and says what to remove. */
function dismissal(bare: Message, { id, collapseKey }: Dismissal): Message {
  const key = cleanText(collapseKey, "collapseKey");
  return {
    ...bare,
    data: {},
    dismiss: key ?? id,
    ...key !== undefined && { collapseKey: key },
  };
}

function sourceOf({ sourceToken }: ParsedNotification): Pick<Message, "sourceToken"> {
  return sourceToken === undefined ? {} : { sourceToken };
}

function withOptions(
  draft: MessageDraft,
  { badge = true, sound = true, soundName }: MessageOptions,
): MessageDraft {
  const { sound: file } = draft;
  const name = file === DEFAULT_SOUND ? soundName ?? file : file;
  if (badge && sound && name === file) return draft;
  const { badge: number, sound: _, ...rest } = draft;
  return {
    ...rest,
    ...badge && number !== undefined && { badge: number },
    ...sound && name !== undefined && { sound: name },
  };
}

/** Adds the visible parts of a draft; of a silent one, only those that order messages. */
function withParts(
  bare: Message,
  draft: MessageDraft,
  notification: ParsedNotification,
): Message {
  const message: { -readonly [K in keyof Message]: Message[K] } = { ...bare };
  for (const name of TEXTS) {
    const text = cleanText(draft[name], name);
    if (text !== undefined) message[name] = text;
  }
  const { badge } = draft;
  if (badge !== undefined) message.badge = badge;
  const collapseKey = cleanText(notification.collapseKey ?? draft.collapseKey, "collapseKey");
  if (collapseKey !== undefined) message.collapseKey = collapseKey;
  message.silent = draft.silent === true ||
    (message.title === undefined && message.body === undefined);
  if (!message.silent) return message;
  const { thread } = message;
  return {
    ...bare,
    ...collapseKey !== undefined && { collapseKey },
    ...thread !== undefined && { thread },
  };
}
