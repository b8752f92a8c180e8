/**
 * Renders a message as one of the four kinds that WNS knows, within its size limit. Pure. What a
 * template may set in `extra`: `type`, `launch`, `duration`, `scenario`, and for the headers `tag`
 * and `group`.
 * https://learn.microsoft.com/windows/apps/develop/notifications/app-notifications/toast-schema
 */

import type { Message } from "../../core/message.ts";
import { fitMessage, type MessageParts } from "../http/mod.ts";
import type { WnsType } from "./settings.ts";
import { WNS_TYPES } from "./settings.ts";
import { element, escapeXml } from "./_xml.ts";

/** Bytes of the largest body. */
export const WNS_MAX_BYTES = 5000;

/** A body and how WNS is to take it. */
export interface WnsPayload {
  readonly type: WnsType;
  readonly body: string;
}

/**
 * The body of a message, or `undefined` where not even a bare one fits the limit. `type` is how a
 * message with something to show is shown.
 */
export function renderWns(message: Message, type: WnsType): WnsPayload | undefined {
  const chosen = chooseType(message, type);
  const render = (parts: MessageParts) => RENDERERS[chosen](message, parts);
  const body = fitMessage(message, { maxBytes: WNS_MAX_BYTES, render });
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

/** Pictures of the web or of the app's own package; any other name means nothing to Windows. */
function logo({ icon }: Message): string {
  if (!icon || !/^(?:https?|ms-appx|ms-appdata):/.test(icon)) return "";
  return element("image", { placement: "appLogoOverride", src: icon });
}

/** Windows plays its own sound where none is named. */
function audio({ sound }: Message): string {
  return sound && /^ms-(?:winsoundevent|appx):/.test(sound) ? element("audio", { src: sound }) : "";
}

/** A text that a template set for this provider. */
export function extraText({ extra }: Pick<Message, "extra">, name: string): string | undefined {
  const value = extra?.[name];
  return typeof value === "string" && value !== "" ? value : undefined;
}

function oneOf(value: string | undefined, allowed: readonly string[]): string | undefined {
  return value !== undefined && allowed.includes(value) ? value : undefined;
}
