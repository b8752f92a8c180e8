/**
 * Renders a message as one of the four kinds of WNS, within the size limit. Pure. A template may
 * set in `extra`: `type`, `launch`, `duration`, `scenario`, and for the headers `tag` and `group`.
 * https://learn.microsoft.com/windows/apps/develop/notifications/app-notifications/toast-schema
 */

import type { Message } from "../../core/message.ts";
import { fitMessage, type MessageParts, type OnFit } from "../http/mod.ts";
import { WNS_TYPES, type WnsType } from "./settings.ts";

/** Bytes of the largest body. */
export const WNS_MAX_BYTES = 5000;

interface WnsPayload {
  readonly type: WnsType;
  readonly body: string;
}

/**
 * Renders a message, or returns `undefined` where it does not fit. `type` is the kind for a message
 * with visible content.
 */
export function renderWns(
  message: Message,
  type: WnsType,
  onFit?: OnFit,
): WnsPayload | undefined {
  const chosen = chooseType(message, type);
  const render = (parts: MessageParts) => RENDERERS[chosen](message, parts);
  const body = fitMessage(message, { maxBytes: WNS_MAX_BYTES, render, onFit });
  return body === undefined ? undefined : { type: chosen, body };
}

function chooseType(message: Message, type: WnsType): WnsType {
  const wanted = extraText(message, "type")?.replace(/^wns\//, "");
  const known = WNS_TYPES.find((name) => name === wanted);
  if (known) return known;
  if (message.silent) return "raw";
  if (message.title || message.body) return type;
  return message.badge === undefined ? "raw" : "badge";
}

type Renderer = (message: Message, parts: MessageParts) => string;

const RENDERERS: Readonly<Record<WnsType, Renderer>> = {
  toast(message, parts) {
    const binding = element("binding", { template: "ToastGeneric" }, texts(parts) + logo(message));
    return element("toast", toastAttributes(message, parts), visual(binding) + audio(message));
  },
  tile(_message, parts) {
    const bindings = ["TileMedium", "TileWide"]
      .map((template) => element("binding", { template }, tileTexts(parts)));
    return element("tile", {}, visual(bindings.join("")));
  },
  badge({ badge }) {
    const value = badge === undefined ? "alert" : Math.max(0, Math.trunc(badge));
    return element("badge", { value });
  },
  raw: ({ id, topic, badge, dismiss, receipt }, parts) =>
    JSON.stringify({ id, topic, badge, dismiss, receipt, ...parts }),
};

function toastAttributes(message: Message, { data }: MessageParts) {
  const { id, topic, link, receipt } = message;
  const launch = extraText(message, "launch");
  const opensLink = launch === undefined && link !== undefined && /^[a-z][a-z\d+.-]*:/i.test(link);
  return {
    launch: launch ?? link ?? JSON.stringify({ id, topic, receipt, data }),
    activationType: opensLink ? "protocol" : undefined,
    duration: oneOf(extraText(message, "duration"), ["short", "long"]),
    scenario: oneOf(extraText(message, "scenario"), SCENARIOS),
  };
}

const SCENARIOS = ["reminder", "alarm", "incomingCall", "urgent"];

function visual(content: string): string {
  return element("visual", {}, content);
}

function texts({ title, body }: MessageParts): string {
  return [title, body].filter((text) => text)
    .map((text) => element("text", {}, escapeXml(text!)))
    .join("");
}

function tileTexts({ title, body }: MessageParts): string {
  const caption = title && element("text", { "hint-style": "caption" }, escapeXml(title));
  const rest = body &&
    element("text", { "hint-style": "captionSubtle", "hint-wrap": "true" }, escapeXml(body));
  return (caption ?? "") + (rest ?? "");
}

/** Windows shows pictures of the web or of the app's package only. */
function logo({ icon }: Message): string {
  if (!icon || !/^(?:https?|ms-appx|ms-appdata):/.test(icon)) return "";
  return element("image", { placement: "appLogoOverride", src: icon });
}

/** Without a sound, Windows plays its own. */
function audio({ sound }: Message): string {
  return sound && /^ms-(?:winsoundevent|appx):/.test(sound) ? element("audio", { src: sound }) : "";
}

/** Returns a text that a template set for this provider. */
export function extraText({ extra }: Pick<Message, "extra">, name: string): string | undefined {
  const value = extra?.[name];
  return typeof value === "string" && value !== "" ? value : undefined;
}

function oneOf(value: string | undefined, allowed: readonly string[]): string | undefined {
  return value !== undefined && allowed.includes(value) ? value : undefined;
}

/** Everything but the `Char` production of XML 1.0 §2.2; includes lone surrogates. */
const ILLEGAL = /[^\t\n\r\u{20}-\u{D7FF}\u{E000}-\u{FFFD}\u{10000}-\u{10FFFF}]/gu;

const ENTITIES: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "'": "&apos;",
};

/** Escapes a text for content and attributes, and drops characters that XML cannot contain. */
function escapeXml(text: string): string {
  return text.replace(ILLEGAL, "").replace(/[&<>"']/g, (character) => ENTITIES[character]!);
}

/** Writes an element; attributes without a value are omitted, and `content` is XML already. */
function element(
  name: string,
  attributes: Readonly<Record<string, string | number | undefined>>,
  content = "",
): string {
  const written = Object.entries(attributes)
    .map(([key, value]) => value === undefined ? "" : ` ${key}="${escapeXml(`${value}`)}"`)
    .join("");
  return content === "" ? `<${name}${written}/>` : `<${name}${written}>${content}</${name}>`;
}
