/** Subscribes this browser to Web Push. `push.js` is the service worker that shows what arrives. */

/**
 * Call it when the user clicks a button: browsers ask for permission then, and some refuse it
 * otherwise. Call it at each later visit as well: it replaces a subscription that was made with
 * another VAPID key, and leaves one that fits as it is.
 *
 * @param url where Carillon is; a page of another origin must be listed in
 *   `io.carillon.websocket.allowedOrigins` to read the key
 * @param client the name in `conf/pns-webpush-options.yml`
 */
export async function subscribeToWebPush({ url, client, topics }) {
  const { pushManager } = await navigator.serviceWorker.register("/push.js");
  const response = await fetch(`${url}/v1/webpush/${client}/key`);
  if (!response.ok) throw new Error(`Web Push is not configured: ${await response.text()}`);
  const { applicationServerKey } = await response.json();

  let subscription = await pushManager.getSubscription();
  if (subscription && !isMadeWith(subscription, applicationServerKey)) {
    await subscription.unsubscribe(); // a browser has one, bound to its key
    subscription = null;
  }
  subscription ??= await pushManager.subscribe({ userVisibleOnly: true, applicationServerKey });

  // The page's own back end adds who the user is, and passes it on to POST /v1/subscriptions.
  const stored = await fetch("/subscription", {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({
      client,
      topics,
      token: { ...subscription.toJSON(), applicationServerKey },
    }),
  });
  if (!stored.ok) throw new Error(`The subscription was not stored: ${stored.status}`);
}

function isMadeWith({ options }, key) {
  const bytes = new Uint8Array(options.applicationServerKey);
  const text = btoa(String.fromCharCode(...bytes)); // base64, and the key is base64url
  return text.replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "") === key;
}
