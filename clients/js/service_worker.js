/**
 * The part of Web Push that runs when no page is open: shows what arrives, closes what is taken
 * back, and opens its link when it is clicked. Serve this file from the page's own origin. A page
 * with a service worker of its own loads it there: `importScripts("/service_worker.js")`. It is a
 * classic script, because not all browsers take modules as service workers.
 */

self.addEventListener("push", (event) => {
  let message = {};
  try {
    message = event.data?.json() ?? {};
  } catch {
    // Not JSON: browsers demand that something is shown all the same.
  }
  event.waitUntil(message.dismiss === undefined ? show(message) : dismiss(message.dismiss));
});

/** Shows a message in the place of an earlier one with its tag. */
function show({ id, title, body, icon, tag, link, topic }) {
  const options = { body, icon, tag: tag ?? id, data: { id, link } };
  return self.registration.showNotification(title ?? topic ?? "News", options);
}

/** Closes what is shown with a tag, or under the id of its notification. */
async function dismiss(tag) {
  for (const shown of await self.registration.getNotifications()) {
    if (shown.tag === tag || shown.data?.id === tag) shown.close();
  }
}

self.addEventListener("notificationclick", (event) => {
  event.notification.close();
  const { link } = event.notification.data ?? {};
  if (link) event.waitUntil(self.clients.openWindow(link));
});
