/**
 * Renders the JSON that the page's service worker reads from `event.data.json()`. Browsers
 * prescribe no format; the README shows a worker for this one.
 */

import type { Message } from "../../core/message.ts";
import type { MessagePreview } from "../../core/message_preview.ts";
import {
  byteLength,
  fitMessage,
  type MessageParts,
  type OnFit,
  previewMessage,
  shortenText,
} from "../http/mod.ts";
import { MAX_PLAINTEXT_BYTES } from "./encrypt.ts";

/** FCM delivers to Firefox on Android in base64, which leaves some 2.7 KB. */
const PREFERRED_BYTES = 2560;
/** The preferred size neither cuts the body below this nor drops data. */
const WORTHWHILE_BODY_BYTES = 120;

const encoder = new TextEncoder();

/**
 * Renders a message: preferably within {@link PREFERRED_BYTES} by shortening the body, always
 * within one record; `undefined` where it does not fit.
 */
export function renderPayload(message: Message): Uint8Array | undefined {
  const text = renderText(message);
  return text === undefined ? undefined : encoder.encode(text);
}

/** Renders a message as {@link renderPayload} does and names what was shortened. */
export function previewPayload(message: Message): MessagePreview {
  return previewMessage(message, {
    maxBytes: MAX_PLAINTEXT_BYTES,
    render: (onFit) => renderText(message, onFit),
  });
}

function renderText(message: Message, onFit?: OnFit): string | undefined {
  return fitMessage(preferablyShort(message), {
    maxBytes: MAX_PLAINTEXT_BYTES,
    render: (parts) => render(message, parts),
    onFit,
  });
}

function preferablyShort(message: Message): MessageParts & { readonly body?: string } {
  const { body } = message;
  const excess = body === undefined ? 0 : byteLength(render(message, message)) - PREFERRED_BYTES;
  if (body === undefined || excess <= 0) return message;
  // Escapes only lengthen a text: cutting this much of it cuts at least as much of the JSON.
  const room = Math.max(WORTHWHILE_BODY_BYTES, byteLength(body) - excess);
  return { ...message, body: shortenText(body, room) };
}

function render(message: Message, { title, body, data }: MessageParts): string {
  const { id, topic, silent, badge, sound, thread, category, collapseKey, link, icon } = message;
  const { dismiss, receipt } = message;
  // `JSON.stringify` omits undefined values.
  return JSON.stringify({
    id,
    topic,
    silent: silent || undefined,
    title,
    body,
    icon,
    badge,
    sound,
    tag: collapseKey,
    dismiss,
    receipt,
    thread,
    category,
    link,
    data,
    ...message.extra,
  });
}
