/** The place of this service beside an Open-Xchange middleware: its webhooks and its sessions. */

export { Middleware, type MiddlewareOptions, type MiddlewareSettings } from "./middleware.ts";
export { isMiddlewareSession, MiddlewareSessions } from "./middleware_sessions.ts";
export { type SessionWatchOptions, sweepSessions, watchSessions } from "./session_watch.ts";
export { type WebhookExpectations } from "./webhook_checks.ts";
export { webhookBody } from "./webhook_event.ts";
export { createWebhookReceiver, type WebhookReceiver } from "./webhook_receiver.ts";
