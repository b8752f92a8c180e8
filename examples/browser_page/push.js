/**
 * The service worker: shows what arrives by Web Push, closes what is taken back, and opens its link
 * when it is clicked.
 */

self.addEventListener("push", (event) => {
  const message = event.data?.json() ?? {};
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
