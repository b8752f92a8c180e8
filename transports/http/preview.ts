/** Describes a rendered message for operators: its size, and what was shortened to fit. */

import type { Message } from "../../core/message.ts";
import type { MessagePreview } from "../../core/message_preview.ts";
import type { Outcome } from "../../core/outcome.ts";
import type { MessageParts, OnFit } from "./fit_message.ts";
import { byteLength } from "./shorten_text.ts";

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
