/**
 * The settings at server scope as an object with typed fields, so that other code names no keys. Each
 * field is a line of the layout below; its type comes from the schema.
 */

import { type Key, KEYS, type Layer, type ValueOf } from "./schema.ts";
import type { KeySpec, Value } from "./key_spec.ts";

const LAYOUT = {
  buffer: {
    delayDuration: "com.openexchange.pns.delayDuration",
    maxDelayDuration: "com.openexchange.pns.maxDelayDuration",
    timerFrequency: "com.openexchange.pns.timerFrequency",
    numProcessorThreads: "com.openexchange.pns.numProcessorThreads",
    maxProcessorTasks: "com.openexchange.pns.maxProcessorTasks",
    maxNotifications: "io.carillon.buffer.maxNotifications",
    maxBytes: "io.carillon.buffer.maxBytes",
  },
  publish: {
    maxPayloadBytes: "io.carillon.publish.maxPayloadBytes",
    maxPerSecondPerKey: "io.carillon.publish.maxPerSecondPerKey",
  },
  ledger: {
    retentionHours: "io.carillon.ledger.retentionHours",
    sockets: "io.carillon.ledger.sockets",
  },
  idempotency: { retentionHours: "io.carillon.idempotency.retentionHours" },
  subscriptions: { maxPerUser: "io.carillon.subscriptions.maxPerUser" },
  // Named as the settings of the realtime server, which receives them all.
  realtime: {
    pingInterval: "io.carillon.websocket.pingInterval",
    olderPingInterval: "io.carillon.websocket.olderPingInterval",
    askAfter: "io.carillon.websocket.askAfter",
    pingTimeout: "io.carillon.websocket.pingTimeout",
    maxSocketsPerUser: "io.carillon.websocket.maxSocketsPerUser",
    maxMessageBytes: "io.carillon.websocket.maxMessageBytes",
    maxBacklogBytes: "io.carillon.websocket.maxBacklogBytes",
    maxTotalBacklogBytes: "io.carillon.websocket.maxTotalBacklogBytes",
    stalledAfter: "io.carillon.websocket.stalledAfter",
    handshakesPerSecond: "io.carillon.websocket.handshakesPerSecond",
    allowedOrigins: "io.carillon.websocket.allowedOrigins",
  },
  resume: {
    windowMs: "io.carillon.resume.window",
    maxEventsPerUser: "io.carillon.resume.maxEventsPerUser",
    maxBytes: "io.carillon.resume.maxBytes",
  },
  inbox: {
    maxItems: "io.carillon.inbox.maxItems",
    retentionDays: "io.carillon.inbox.retentionDays",
  },
  drain: {
    socketsPerSecond: "io.carillon.drain.socketsPerSecond",
    withinMs: "io.carillon.drain.within",
    noticeMs: "io.carillon.drain.notice",
  },
  cluster: { leaseMs: "io.carillon.cluster.lease" },
  delivery: {
    maxAttempts: "io.carillon.delivery.maxAttempts",
    maxAgeHours: "io.carillon.delivery.maxAgeHours",
    retryBaseMs: "io.carillon.delivery.retryBase",
    retryMaxMs: "io.carillon.delivery.retryMax",
    attemptTimeoutMs: "io.carillon.delivery.attemptTimeout",
    maxPerSecond: "io.carillon.delivery.maxPerSecond",
  },
  streams: { port: "io.carillon.streams.port" },
  internal: { port: "io.carillon.internal.port", host: "io.carillon.internal.host" },
  http: {
    engine: "io.carillon.http.engine",
    bodyTimeoutMs: "io.carillon.http.bodyTimeout",
  },
  deadLetters: { retentionDays: "io.carillon.deadLetters.retentionDays" },
  feedback: {
    url: "io.carillon.feedback.url",
    secret: "io.carillon.feedback.secret",
    retentionHours: "io.carillon.feedback.retentionHours",
  },
  jwt: {
    jwksUrl: "io.carillon.jwt.jwksUrl",
    issuer: "io.carillon.jwt.issuer",
    audience: "io.carillon.jwt.audience",
  },
  webhooks: {
    allowLocal: "com.openexchange.pns.transport.webhooks.allowLocalWebhooks",
    maxConnectionsPerHost: "com.openexchange.pns.transport.webhooks.http.maxConnectionsPerHost",
    connectionTimeoutMs: "com.openexchange.pns.transport.webhooks.http.connectionTimeout",
    socketReadTimeoutMs: "com.openexchange.pns.transport.webhooks.http.socketReadTimeout",
  },
  webhookIn: {
    secrets: "io.carillon.openxchange.webhook.secrets",
    signatureSecrets: "io.carillon.openxchange.webhook.signatureSecrets",
    signatureHeader: "io.carillon.openxchange.webhook.signatureHeader",
    toleranceMs: "io.carillon.openxchange.webhook.tolerance",
    ids: "io.carillon.openxchange.webhook.ids",
  },
  middleware: {
    url: "io.carillon.openxchange.middleware.url",
    login: "io.carillon.openxchange.middleware.login",
    password: "io.carillon.openxchange.middleware.password",
    timeoutMs: "io.carillon.openxchange.middleware.timeout",
    cacheAgeMs: "io.carillon.openxchange.middleware.cacheAge",
    recheckMs: "io.carillon.openxchange.middleware.recheck",
  },
  consoleOidc: {
    issuer: "io.carillon.console.oidc.issuer",
    clientId: "io.carillon.console.oidc.clientId",
    clientSecret: "io.carillon.console.oidc.clientSecret",
    redirectUrl: "io.carillon.console.oidc.redirectUrl",
    scopes: "io.carillon.console.oidc.scopes",
    rolesClaim: "io.carillon.console.oidc.rolesClaim",
    viewerRoles: "io.carillon.console.oidc.viewerRoles",
    operatorRoles: "io.carillon.console.oidc.operatorRoles",
    contextsClaim: "io.carillon.console.oidc.contextsClaim",
    sessionLifetimeMs: "io.carillon.console.oidc.sessionLifetime",
    timeoutMs: "io.carillon.console.oidc.timeout",
  },
  log: { level: "io.carillon.log.level" },
} as const satisfies Record<string, Record<string, Key>>;

type Layout = typeof LAYOUT;

/** The settings at server scope, by subject. Empty texts and lists mean not set. */
export type Settings = {
  readonly [S in keyof Layout]: {
    readonly [F in keyof Layout[S]]: Layout[S][F] extends Key ? ValueOf<Layout[S][F]> : never;
  };
};

/** Returns the settings of a server layer, with defaults for keys that it does not set. */
export function readSettings(server: Layer): Settings {
  const subjects = Object.entries<Record<string, Key>>(LAYOUT).map(([subject, fields]) => [
    subject,
    Object.fromEntries(
      Object.entries(fields).map(([field, key]) => [field, serverValue(server, key)]),
    ),
  ]);
  return Object.fromEntries(subjects) as Settings;
}

/** Returns the value of a key at server scope, or its default. */
export function serverValue<K extends Key>(server: Layer, key: K): ValueOf<K> {
  const found = server.get(key);
  return (found ? found.value : defaultValue(server, key)) as ValueOf<K>;
}

/** Returns the default of a key, which for some keys is the value of another one. */
export function defaultValue(server: Layer, key: Key): Value {
  const spec: KeySpec = KEYS[key];
  const from = spec.defaultFrom === undefined ? undefined : server.get(spec.defaultFrom);
  return from ? from.value : spec.default;
}
