/** Apple's Push Notification service over HTTP/2, with a certificate or a token key per app. */

export { createApnTransport } from "./apn_transport.ts";
export { type ApnOptions, apnOptionsSchema } from "./settings.ts";
