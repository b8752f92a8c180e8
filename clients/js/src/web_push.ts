/** Subscribes the browser to Web Push. Runs in pages; the service worker is `service_worker.js`. */

/// <reference lib="dom" />

import { CarillonError, errorOf } from "./errors.ts";

/** How a browser is subscribed. */
export interface WebPushOptions {
  /**
   * Address of the service. A page of another origin must be listed in
   * `io.carillon.websocket.allowedOrigins`.
   */
  readonly url: string;
  /** The client in `pns-webpush-options.yml`. */
  readonly client: string;
  /** Where the page's own server has the service worker. @default {"/service_worker.js"} */
  readonly worker?: string;
  /**
   * Stores the subscription, e.g. by the page's own back end, which posts it as `token` to
   * `/v1/subscriptions`.
   */
  readonly store: (subscription: PushSubscriptionToken) => Promise<unknown>;
}

/** What the service takes as the token of the transport `webpush`. */
export interface PushSubscriptionToken extends PushSubscriptionJSON {
  /** The key that the subscription was made with, so that the service can rotate its own. */
  readonly applicationServerKey: string;
}

/**
 * Asks the user for permission and subscribes. Call it when the user clicks a button, and again at
 * each later visit: it replaces a subscription that was made with another key, and leaves one that
 * fits as it is.
 *
 * @throws {CarillonError} `not_found` where the client has no Web Push
 * @throws {DOMException} `NotAllowedError` where the user refuses
 */
export async function subscribeToWebPush(
  { url, client, worker = "/service_worker.js", store }: WebPushOptions,
): Promise<void> {
  if (!("serviceWorker" in navigator) || !("PushManager" in globalThis)) {
    throw new CarillonError("This browser has no Web Push", { code: "unsupported", status: 0 });
  }
  await navigator.serviceWorker.register(worker);
  const { pushManager } = await navigator.serviceWorker.ready;
  const path = `/v1/webpush/${encodeURIComponent(client)}/key`;
  const response = await fetch(url.replace(/\/+$/, "") + path);
  if (!response.ok) throw await errorOf(response);
  const { applicationServerKey } = await response.json() as { applicationServerKey: string };
  let subscription = await pushManager.getSubscription();
  const known = subscription?.options.applicationServerKey;
  if (subscription && (!known || base64Url(known) !== applicationServerKey)) {
    await subscription.unsubscribe();
    subscription = null;
  }
  subscription ??= await pushManager.subscribe({ userVisibleOnly: true, applicationServerKey });
  await store({ ...subscription.toJSON(), applicationServerKey });
}

/** Ends the browser's subscription; the service removes it with the next push. */
export async function unsubscribeFromWebPush(): Promise<void> {
  const registration = await navigator.serviceWorker.getRegistration();
  const subscription = await registration?.pushManager.getSubscription();
  await subscription?.unsubscribe();
}

function base64Url(bytes: ArrayBuffer): string {
  const text = btoa(String.fromCharCode(...new Uint8Array(bytes)));
  return text.replaceAll("+", "-").replaceAll("/", "_").replace(/=+$/, "");
}
