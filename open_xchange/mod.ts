/** The place of this service beside an Open-Xchange middleware: its webhooks and its sessions. */

export { Middleware } from "./middleware.ts";
export { isMiddlewareSession, MiddlewareSessions } from "./middleware_sessions.ts";
export { sweepSessions, watchSessions } from "./session_watch.ts";
export { webhookBody } from "./webhook_event.ts";
export { createWebhookReceiver, type WebhookReceiver } from "./webhook_receiver.ts";
