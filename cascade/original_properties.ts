/**
 * Every property of the original's push service and of its web sockets, and what has become of it
 * here. `docs/open-xchange-properties.md` is generated from it; a property that has no effect is
 * named in a warning with the reason.
 */

interface OriginalProperty {
  /** `same`: name, meaning and default. `differs`: `text` says how. `no effect`: `text` says why. */
  readonly here: "same" | "differs" | "no effect";
  readonly text: string;
}

const PNS = "com.openexchange.pns.";
const WEBHOOKS = `${PNS}transport.webhooks.`;
const REMOTE = "com.openexchange.websockets.grizzly.remote.";
const PER_CLIENT = "With `.client` and `.client.topic`, too.";
const NO_QUEUE = "Nodes share one log of events; there is no queue between them.";

/** Name → what has become of it, in the order of the documentation. */
export const ORIGINAL_PROPERTIES: Readonly<Record<string, OriginalProperty>> = {
  [`${PNS}delayDuration`]: same("0 sends at once."),
  [`${PNS}maxDelayDuration`]: differs(
    "Default: the value of `delayDuration`, not 10000, so that a stream of similar notifications " +
      "holds none back.",
  ),
  [`${PNS}timerFrequency`]: same("The first search comes as soon as something is due."),
  [`${PNS}numProcessorThreads`]: same("Tasks in place of threads."),
  [`${PNS}maxProcessorTasks`]: differs(
    "The rest stays in the buffer, where the original has its timer thread run it.",
  ),
  [`${PNS}transport.websocket.enabled`]: same(PER_CLIENT),
  [`${PNS}transport.apn.ios.enabled`]: differs(
    `${PER_CLIENT} Sends over HTTP/2; Apple has shut down the older protocol.`,
  ),
  [`${PNS}transport.apns_http2.ios.enabled`]: differs(
    "Another name of `….apn.ios.enabled`; whichever is read last counts for both.",
  ),
  [`${PNS}transport.gcm.enabled`]: differs(
    `${PER_CLIENT} Sends by FCM v1, or by the older protocol where a client has a \`key\` only.`,
  ),
  [`${PNS}transport.wns.enabled`]: differs(`${PER_CLIENT} Sends; the original never does.`),
  [`${WEBHOOKS}enabled`]: same(PER_CLIENT),
  [`${WEBHOOKS}httpsOnly`]: same("A change counts at once, not after 7 seconds."),
  [`${WEBHOOKS}allowLocalWebhooks`]: same(
    "Checked against what the name resolves to, at each delivery.",
  ),
  [`${WEBHOOKS}allowTrustAll`]: noEffect(
    "Certificates are always checked. Start with DENO_CERT=<file> to trust a CA of your own.",
  ),
  [`${WEBHOOKS}http.maxConnections`]: noEffect("Each webhook has its own limit."),
  [`${WEBHOOKS}http.maxConnectionsPerHost`]: differs("Counts requests under way for one webhook."),
  [`${WEBHOOKS}http.connectionTimeout`]: differs(
    "Together with `socketReadTimeout` it bounds the whole request.",
  ),
  [`${WEBHOOKS}http.socketReadTimeout`]: differs(
    "Together with `connectionTimeout` it bounds the whole request.",
  ),
  "com.openexchange.webhooks.enabledIds": same("A change counts at once."),
  [`${PNS}mobile.api.facade.apn.badge.enabled`]: same("A change counts at once."),
  [`${PNS}mobile.api.facade.apn.sound.enabled`]: same("A change counts at once."),
  [`${PNS}mobile.api.facade.apn.sound.filename`]: same("A change counts at once."),
  "com.openexchange.websockets.enabled": same("Asked at each handshake, not cached."),
  [`${REMOTE}delayDuration`]: noEffect(NO_QUEUE),
  [`${REMOTE}maxDelayDuration`]: noEffect(NO_QUEUE),
  [`${REMOTE}timerFrequency`]: noEffect(NO_QUEUE),
  "com.openexchange.config.cascade.scopes": differs(
    "Counts at once. `reseller` is accepted and has no values.",
  ),
  "com.openexchange.config.cascade.types": same("Tags for context sets."),
  "com.openexchange.sessiond.sessionDefaultLifeTime": noEffect(
    "Sessions are the middleware's. io.carillon.openxchange.middleware.recheck says how often it is " +
      "asked about those of open sockets, and must be shorter.",
  ),
  "com.openexchange.cookie.hash": noEffect(
    "The middleware compares the cookies; they are passed on to it.",
  ),
  "com.openexchange.IPCheck": noEffect(
    "The middleware compares the address, which is passed on in X-Forwarded-For.",
  ),
};

/** Why a property of the original has no effect here, or `undefined` where it has one or is unknown. */
export function effectless(name: string): string | undefined {
  const known = Object.hasOwn(ORIGINAL_PROPERTIES, name) ? ORIGINAL_PROPERTIES[name] : undefined;
  return known?.here === "no effect" ? known.text : undefined;
}

function same(text: string): OriginalProperty {
  return { here: "same", text };
}

function differs(text: string): OriginalProperty {
  return { here: "differs", text };
}

function noEffect(text: string): OriginalProperty {
  return { here: "no effect", text };
}
