/**
 * The part of Web Push that runs when no page is open: shows what arrives, and opens its link when
 * it is clicked. Serve this file from the page's own origin. A page with a service worker of its own
 * loads it there: `importScripts("/service_worker.js")`. It is a classic script, because not all
 * browsers take modules as service workers.
 */

self.addEventListener("push", (event) => {
  let message = {};
  try {
    message = event.data?.json() ?? {};
  } catch {
    // Not JSON: browsers demand that something is shown all the same.
  }
  const { title, body, icon, tag, link, topic } = message;
  const options = { body, icon, tag, data: { link } };
  event.waitUntil(self.registration.showNotification(title ?? topic ?? "News", options));
});

self.addEventListener("notificationclick", (event) => {
  event.notification.close();
  const { link } = event.notification.data ?? {};
  if (link) event.waitUntil(self.clients.openWindow(link));
});
