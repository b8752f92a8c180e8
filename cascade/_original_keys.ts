/**
 * The keys that the original also has, with its names and its defaults. Where the original's
 * documentation and code differ (`maxDelayDuration`), the text says what this service does.
 */

import { boolean, integer, type KeySpec, list, milliseconds, string } from "./key_spec.ts";

const DAY_MS = 86_400_000;

/** The scopes, most specific first. `reseller` is accepted but never has a value here. */
export const SCOPE_NAMES = ["user", "context", "contextSets", "server", "reseller"] as const;

function enabled(value: boolean, transport: string, rest: Partial<KeySpec> = {}) {
  return boolean(value, {
    text:
      `Whether notifications are sent by ${transport}. Resolved for user, context, client and ` +
      "topic: `….enabled.{client}.{topic}` takes precedence over `….enabled.{client}`, and that over " +
      "`….enabled`; each of the three is looked up in all scopes before the next.",
    example: String(!value),
    cascade: true,
    perClient: true,
    ...rest,
  });
}

/** The keys that the original also has. */
export const ORIGINAL_KEYS = {
  "com.openexchange.pns.delayDuration": milliseconds(1000, {
    text: "How long a notification waits in the buffer to be merged with similar ones. Priority " +
      "`medium` doubles it, `low` quadruples it. 0 sends without a delay.",
    example: "3000",
    range: [0, DAY_MS],
  }),
  "com.openexchange.pns.maxDelayDuration": milliseconds(1000, {
    text:
      "The longest delay after the first of several similar notifications, however many follow. " +
      "(10000 in the original, where a steady stream could delay a notification that long.)",
    example: "10000",
    range: [0, DAY_MS],
    defaultFrom: "com.openexchange.pns.delayDuration",
  }),
  "com.openexchange.pns.timerFrequency": milliseconds(500, {
    text: "How often the buffer is searched for notifications whose delay is over.",
    example: "250",
    range: [1, DAY_MS],
  }),
  "com.openexchange.pns.numProcessorThreads": integer(10, {
    text: "How many due notifications are processed concurrently.",
    example: "20",
    range: [1, 10_000],
  }),
  "com.openexchange.pns.maxProcessorTasks": integer(65_536, {
    text: "How many due notifications may wait for a processor. The others stay in the buffer.",
    example: "100000",
    range: [1, 100_000_000],
  }),
  "com.openexchange.pns.transport.websocket.enabled": enabled(true, "web socket"),
  "com.openexchange.pns.transport.apn.ios.enabled": enabled(false, "APNs", {
    aliases: ["com.openexchange.pns.transport.apns_http2.ios.enabled"],
  }),
  "com.openexchange.pns.transport.gcm.enabled": enabled(false, "GCM/FCM", {
    aliases: ["com.openexchange.pns.transport.fcm.enabled"],
  }),
  "com.openexchange.pns.transport.wns.enabled": enabled(false, "WNS"),
  "com.openexchange.pns.transport.webpush.enabled": enabled(false, "Web Push"),
  "com.openexchange.pns.transport.webhooks.enabled": enabled(true, "webhook"),
  "com.openexchange.pns.transport.webhooks.httpsOnly": boolean(true, {
    text:
      "Whether webhooks are sent to `https` addresses only. Asked for the user at each delivery.",
    example: "false",
    cascade: true,
  }),
  "com.openexchange.pns.transport.webhooks.allowLocalWebhooks": boolean(false, {
    text: "Whether webhooks may go to addresses that are not of the public internet.",
    example: "true",
  }),
  "com.openexchange.pns.transport.webhooks.http.maxConnectionsPerHost": integer(100, {
    text: "How many requests to one webhook may be under way at once.",
    example: "20",
    range: [1, 1000],
  }),
  "com.openexchange.pns.transport.webhooks.http.connectionTimeout": milliseconds(5000, {
    text: "How long a connection to a webhook may take to come about. Added to " +
      "`….socketReadTimeout`, it is how long one request may take.",
    example: "2000",
    range: [1, 60_000],
  }),
  "com.openexchange.pns.transport.webhooks.http.socketReadTimeout": milliseconds(5000, {
    text: "How long a webhook may take to answer.",
    example: "2000",
    range: [1, 60_000],
  }),
  "com.openexchange.webhooks.enabledIds": list([], {
    text: "Ids of the webhooks in `webhooks.yml` that a user may subscribe with, and that are " +
      "delivered to. Empty: none.",
    example: "mywebhook",
    cascade: true,
  }),
  "com.openexchange.pns.mobile.api.facade.apn.badge.enabled": boolean(true, {
    text: "Whether iOS apps show the number of unread messages on their icon.",
    example: "false",
    cascade: true,
  }),
  "com.openexchange.pns.mobile.api.facade.apn.sound.enabled": boolean(true, {
    text: "Whether iOS apps play a sound for a notification that is shown.",
    example: "false",
    cascade: true,
  }),
  "com.openexchange.pns.mobile.api.facade.apn.sound.filename": string("default", {
    text: "Sound file of the iOS app, or `default`.",
    example: "bell.caf",
    cascade: true,
  }),
  "com.openexchange.websockets.enabled": boolean(true, {
    text: "Whether a user may open sockets. Checked at each handshake.",
    example: "false",
    cascade: true,
  }),
  "com.openexchange.config.cascade.scopes": list(["user", "context", "contextSets", "server"], {
    text:
      "The order in which the scopes are searched, most specific first. A scope that is left out " +
      "has no effect. `reseller` is accepted and has no values here.",
    example: "context, contextSets, server",
    choices: SCOPE_NAMES,
  }),
  "com.openexchange.config.cascade.types": list([], {
    text: "Tags for context sets, in addition to those of the context and the user. Looked up in " +
      "the scopes other than `contextSets`.",
    example: "premium",
    cascade: true,
  }),
};
