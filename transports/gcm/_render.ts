/** What both of Google's formats do with a message: fit it, with the fields of its template. */

import type { JsonObject } from "../../core/json.ts";
import type { Message } from "../../core/message.ts";
import { fitMessage, type MessageParts, type OnFit } from "../http/mod.ts";
import { mergePatch, objectOrEmpty, stringValues } from "./_data.ts";
import { gcmMaxBytes } from "./_limits.ts";

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
