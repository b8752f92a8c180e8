/** Presents an explanation in the API; addresses are not in it. */

import type { Message } from "../core/message.ts";
import type { MessagePreview } from "../core/message_preview.ts";
import type { Explanation, FoundUser } from "../delivery/mod.ts";

/** Returns the body of an explanation. */
export function presentExplanation({ targets, deliverAt, ...rest }: Explanation) {
  return {
    targets: targets.map((
      { target, step, quiet, held, trail, message, preview, language, waits, maxPerSecond },
    ) => ({
      client: target.client,
      transport: target.transport,
      ...(target.subscriptionId !== undefined && { subscription: target.subscriptionId }),
      send: step.send,
      ...(step.state !== undefined && { state: step.state }),
      ...(!step.send && { reason: step.reason ?? SOCKET_REASONS[step.state] }),
      ...(quiet && { quiet: timed(quiet) }),
      ...(held && { held: timed(held) }),
      ...(waits !== undefined && { waits }),
      ...(maxPerSecond !== undefined && { maxPerSecond }),
      trail,
      ...(language && { language }),
      ...((message ?? preview) && { message: presentMessage(message, preview) }),
    })),
    ...(deliverAt !== undefined && { deliverAt: textOf(deliverAt) }),
    ...rest,
  };
}

/** Returns the body of what was found of one user of many. */
export function presentAudience({ deliverAt, ...rest }: FoundUser) {
  return { ...rest, ...(deliverAt !== undefined && { deliverAt: textOf(deliverAt) }) };
}

function textOf(epochMs: number): string {
  return new Date(epochMs).toISOString();
}

function timed<T extends { readonly until: number }>(value: T) {
  return { ...value, until: textOf(value.until) };
}

/** Delivery records only the state of open sockets. */
const SOCKET_REASONS: Readonly<Record<string, string>> = {
  offline: "no socket of the client is open",
  source: "only the connection that caused it is open",
};

/** Returns the body of a message; at least one of the two is given. */
export function presentMessage(message: Message | undefined, preview: MessagePreview | undefined) {
  const { title, body, silent = false, badge, sound } = message ?? {};
  return {
    ...{ title, body, silent, badge, sound },
    ...(preview?.kind === "rejected" && { rejected: preview.reason }),
    ...(preview?.kind === "rendered" && {
      payload: preview.body,
      bytes: preview.bytes,
      maxBytes: preview.maxBytes,
      shortened: preview.shortened,
    }),
  };
}
