/** The service worker: shows what arrives by Web Push, and opens its link when it is clicked. */

self.addEventListener("push", (event) => {
  const { title, body, icon, tag, link, topic } = event.data?.json() ?? {};
  const options = { body, icon, tag, data: { link } };
  event.waitUntil(self.registration.showNotification(title ?? topic ?? "News", options));
});

self.addEventListener("notificationclick", (event) => {
  event.notification.close();
  const { link } = event.notification.data ?? {};
  if (link) event.waitUntil(self.clients.openWindow(link));
});
