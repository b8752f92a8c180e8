/** Renders a message for operators in one of Google's formats, without the device's token. */

import type { Clock } from "../../core/clock.ts";
import type { Message } from "../../core/message.ts";
import type { MessagePreview } from "../../core/message_preview.ts";
import type { Target } from "../../core/subscription.ts";
import { type OnFit, previewMessage } from "../http/mod.ts";
import { type AddressedMessage, gcmMaxBytes } from "./_limits.ts";

type Render = (message: Message, address: AddressedMessage, onFit: OnFit) => string | undefined;

/** Returns the function that previews messages in a format. */
export function createGcmPreview(
  render: Render,
  { clock }: { readonly clock: Pick<Clock, "now"> },
): (target: Target, message: Message) => MessagePreview {
  return ({ token }, message) =>
    previewMessage(message, {
      maxBytes: gcmMaxBytes(token),
      render: (onFit) => render(message, { token, nowMs: clock.now() }, onFit),
      shown: withoutToken,
    });
}

function withoutToken(body: string): string {
  const { to: _to, message, ...rest } = JSON.parse(body);
  if (message === undefined) return JSON.stringify(rest);
  const { token: _token, ...shown } = message;
  return JSON.stringify({ message: shown, ...rest });
}
