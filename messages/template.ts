/** One compiled entry of `pns-messages.yml`, and how it changes a message. */

import type { Json, JsonObject } from "../core/json.ts";
import type { ParsedNotification } from "../core/notification.ts";
import type { MessageDraft } from "./built_in.ts";
import { cleanText } from "./clean_text.ts";
import { renderAddress, renderText, type TextTemplate } from "./text_template.ts";

/** The template fields that are texts, named as in the file. */
export const TEXT_FIELDS = ["title", "body", "sound", "thread", "category"] as const;
/** The template fields that are addresses. */
export const ADDRESS_FIELDS = ["link", "icon"] as const;
/** All template fields. */
export const TEMPLATE_FIELDS = [
  ...TEXT_FIELDS,
  ...ADDRESS_FIELDS,
  "badge",
  "collapsekey",
  "silent",
  "private",
  "extra",
  "locales",
] as const;

/** A text, or `false` to omit the field. Absent: the field stays unchanged. */
export type TemplateSetting = TextTemplate | false;

/** JSON whose texts are templates. */
export type ExtraTemplate =
  | { readonly text: TextTemplate }
  | { readonly list: readonly ExtraTemplate[] }
  | { readonly fields: readonly (readonly [name: string, value: ExtraTemplate])[] }
  | { readonly value: number | boolean | null };

/** One compiled template. */
export interface Template
  extends Partial<Readonly<Record<typeof TEXT_FIELDS[number] | "link" | "icon", TemplateSetting>>> {
  /** The number on the app's icon; any value but a whole number of 0 or more omits it. */
  readonly badge?: TemplateSetting;
  readonly collapsekey?: TemplateSetting;
  readonly silent?: boolean;
  /** Sends no content of the notification to the provider; the app is only woken. */
  readonly private?: boolean;
  readonly extra?: ExtraTemplate;
  /** What replaces fields in a language, by its canonical tag. */
  readonly locales?: ReadonlyMap<string, Template>;
}

/** Returns the first of some languages that a template has; `undefined` where it has none of them. */
export function bestLocale(
  { locales }: Template,
  wanted: readonly string[],
): string | undefined {
  return locales && wanted.find((locale) => locales.has(locale));
}

/** Returns a template in the first of some languages that it has, or as it is without one. */
export function localized(template: Template, wanted: readonly string[]): Template {
  const best = bestLocale(template, wanted);
  return best === undefined ? template : { ...template, ...template.locales!.get(best) };
}

/** Applies a template to the message that would be sent without it. */
export function applyTemplate(
  template: Template,
  { draft, notification }: {
    readonly draft: MessageDraft;
    readonly notification: ParsedNotification;
  },
): MessageDraft & { readonly extra?: JsonObject } {
  const changed: { -readonly [K in keyof MessageDraft]: MessageDraft[K] } & { extra?: JsonObject } =
    { ...draft };
  for (const name of TEXT_FIELDS) {
    const setting = template[name];
    if (setting !== undefined) changed[name] = setting && renderText(setting, notification) || "";
  }
  for (const name of ADDRESS_FIELDS) {
    const setting = template[name];
    if (setting) changed[name] = renderAddress(setting, notification);
  }
  const { badge, collapsekey, silent, extra } = template;
  if (badge !== undefined) delete changed.badge;
  if (badge) Object.assign(changed, numberOf(renderText(badge, notification)));
  if (collapsekey !== undefined) {
    changed.collapseKey = collapsekey && renderText(collapsekey, notification) || "";
  }
  if (silent !== undefined) changed.silent = silent;
  if (extra) changed.extra = renderExtra(extra, notification) as JsonObject;
  return changed;
}

function numberOf(text: string): Pick<MessageDraft, "badge"> {
  return /^\s*\d{1,9}\s*$/.test(text) ? { badge: Number(text) } : {};
}

function renderExtra(template: ExtraTemplate, notification: ParsedNotification): Json {
  if ("text" in template) {
    return cleanText(renderText(template.text, notification), "extra") ?? "";
  }
  if ("list" in template) return template.list.map((item) => renderExtra(item, notification));
  if ("value" in template) return template.value;
  const fields = template.fields.map(([name, value]) => [name, renderExtra(value, notification)]);
  return Object.fromEntries(fields);
}
