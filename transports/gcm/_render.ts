/**
 * What both of Google's formats do with a message: fit it, with the fields of its template, and show
 * it to operators.
 */

import type { Clock } from "../../core/clock.ts";
import type { JsonObject } from "../../core/json.ts";
import type { Message } from "../../core/message.ts";
import type { MessagePreview } from "../../core/message_preview.ts";
import type { Target } from "../../core/subscription.ts";
import { fitMessage, type MessageParts, type OnFit, previewMessage } from "../http/mod.ts";
import { mergePatch, objectOrEmpty, stringValues } from "./_data.ts";
import { type AddressedMessage, gcmMaxBytes } from "./_limits.ts";

interface GcmFormat {
  readonly token: string;
  /** Renders the parts without the template's fields and without an address. */
  readonly render: (parts: MessageParts) => JsonObject;
  /** Fields that could name another target, as `null`: a template must not redirect a message. */
  readonly targets: JsonObject;
  /** Returns the body for a message that is complete but for its address. */
  readonly address: (message: JsonObject) => JsonObject;
  readonly onFit: OnFit | undefined;
}

/** Returns the body of a send request, or `undefined` where the message does not fit. */
export function renderGcm(
  message: Message,
  { token, render, targets, address, onFit }: GcmFormat,
): string | undefined {
  const body = (extra: JsonObject) => (parts: MessageParts) => {
    const own = mergePatch(mergePatch(render(parts), extra), targets);
    return JSON.stringify(address({ ...own, data: stringValues(objectOrEmpty(own.data)) }));
  };
  const maxBytes = gcmMaxBytes(token);
  return fitMessage(message, { maxBytes, onFit, render: body(message.extra ?? {}) }) ??
    fitMessage(message, {
      maxBytes,
      onFit: onFit && ((parts) => onFit(parts, ["the template's fields: dropped"])),
      render: body({}),
    });
}

type Render = (message: Message, address: AddressedMessage, onFit: OnFit) => string | undefined;

/** Returns the function that previews messages in a format, without the device's token. */
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
