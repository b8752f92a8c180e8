/**
 * Shortens a message to a provider's size limit: first the end of the body, then data that the app
 * can fetch itself, last the title. It measures rendered sizes, because escaping changes them. For operators it says
 * what was shortened.
 */

import type { JsonObject } from "../../core/json.ts";
import type { Message } from "../../core/message.ts";
import type { MessagePreview } from "../../core/message_preview.ts";
import type { Outcome } from "../../core/outcome.ts";
import { byteLength, shortenText } from "./shorten_text.ts";

/** The parts of a message that may be shortened. Empty texts are absent. */
export interface MessageParts {
  readonly title?: string;
  readonly body?: string;
  readonly data: JsonObject;
}

interface WholeMessage extends Pick<Message, "data"> {
  readonly title?: string | undefined;
  readonly body?: string | undefined;
}

/** Receives the parts that remain in a payload, and names what was dropped besides them. */
export type OnFit = (parts: MessageParts, dropped?: readonly string[]) => void;

interface FitOptions<Payload extends string | Uint8Array> {
  /** Bytes of the largest payload, inclusive. */
  readonly maxBytes: number;
  /** Renders the payload; called for every size that is tried. */
  readonly render: (parts: MessageParts) => Payload;
  /** Called with the parts of the payload that is returned. */
  readonly onFit?: OnFit | undefined;
}

/** Data is dropped before the body gets shorter than this. */
const WORTHWHILE_BODY_BYTES = 120;
/** Dropped last, because the app needs them to find the subject. */
const ESSENTIAL = ["folder", "id", "cid"];

/**
 * Renders a message in at most `maxBytes`; `undefined` where it does not fit even without texts and
 * data.
 */
export function fitMessage<Payload extends string | Uint8Array>(
  message: WholeMessage,
  { maxBytes, render, onFit }: FitOptions<Payload>,
): Payload | undefined {
  const fitted = fit(message, {
    render: (parts) => ({ payload: render(parts), parts }),
    fits: ({ payload }) => sizeOf(payload) <= maxBytes,
  });
  if (fitted) onFit?.(fitted.parts);
  return fitted?.payload;
}

function fit<Rendered>(
  { title, body, data }: WholeMessage,
  { render, fits }: {
    readonly render: (parts: MessageParts) => Rendered;
    readonly fits: (rendered: Rendered) => boolean;
  },
): Rendered | undefined {
  const whole = render(parts(title, body, data));
  if (fits(whole)) return whole;
  for (const kept of dataVariants(data)) {
    const rendered = longest(body, (text) => render(parts(title, text, kept)), {
      fits,
      atLeast: WORTHWHILE_BODY_BYTES,
    });
    if (rendered !== undefined) return rendered;
  }
  return longest(body, (text) => render(parts(title, text, {})), { fits, atLeast: 0 }) ??
    longest(title, (text) => render(parts(text, undefined, {})), { fits, atLeast: 0 });
}

/** Yields the data, then the data without its largest field, and so on until empty. */
function* dataVariants(data: JsonObject): Generator<JsonObject> {
  yield data;
  const bySize = Object.keys(data)
    .map((key) => ({ key, last: ESSENTIAL.includes(key), size: JSON.stringify(data[key]).length }))
    .sort((a, b) => Number(a.last) - Number(b.last) || b.size - a.size);
  const kept = { ...data };
  for (const { key } of bySize) {
    delete kept[key];
    yield { ...kept };
  }
}

interface LongestOptions<Payload> {
  readonly fits: (payload: Payload) => boolean;
  /** Bytes of the shortest acceptable cut; a shorter text stays whole. */
  readonly atLeast: number;
}

/** Finds the longest cut of a text that fits, by bisection over its bytes. */
function longest<Payload>(
  text: string | undefined,
  render: (text: string | undefined) => Payload,
  { fits, atLeast }: LongestOptions<Payload>,
): Payload | undefined {
  const whole = render(text);
  if (fits(whole)) return whole;
  if (!text) return undefined;
  let high = byteLength(text);
  let low = Math.min(atLeast, high);
  let best = render(shortenText(text, low));
  if (!fits(best)) return undefined;
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    const payload = render(shortenText(text, middle));
    if (fits(payload)) [low, best] = [middle, payload];
    else high = middle;
  }
  return best;
}

function parts(
  title: string | undefined,
  body: string | undefined,
  data: JsonObject,
): MessageParts {
  return { ...title && { title }, ...body && { body }, data };
}

function sizeOf(payload: string | Uint8Array): number {
  return typeof payload === "string" ? byteLength(payload) : payload.length;
}

/** The outcome of a message that does not fit. */
export const TOO_LARGE: Extract<Outcome, { kind: "rejected" }> = {
  kind: "rejected",
  reason: "the message is too large even without its texts",
};

interface PreviewOptions {
  readonly maxBytes: number;
  /** Renders the body and reports its parts; undefined where it does not fit. */
  readonly render: (onFit: OnFit) => string | undefined;
  /** Returns the body as it is shown, without the address. */
  readonly shown?: (body: string) => string;
}

/** Renders a message and compares what remained with the message. */
export function previewMessage(
  message: Pick<Message, "title" | "body" | "data">,
  { maxBytes, render, shown = (body) => body }: PreviewOptions,
): MessagePreview {
  let kept: MessageParts | undefined;
  let dropped: readonly string[] = [];
  const body = render((parts, others = []) => {
    kept = parts;
    dropped = others;
  });
  if (body === undefined) return TOO_LARGE;
  const shortened = [...kept ? differences(message, kept) : [], ...dropped];
  return { kind: "rendered", body: shown(body), bytes: byteLength(body), maxBytes, shortened };
}

function* differences(
  whole: Pick<Message, "title" | "body" | "data">,
  kept: MessageParts,
): Generator<string> {
  for (const part of ["title", "body"] as const) {
    const before = whole[part];
    const after = kept[part];
    if (!before || before === after) continue;
    yield after
      ? `${part}: ${byteLength(after)} of ${byteLength(before)} bytes are sent`
      : `${part}: dropped`;
  }
  for (const key of Object.keys(whole.data)) {
    if (!Object.hasOwn(kept.data, key)) yield `data.${key}: dropped`;
  }
}
