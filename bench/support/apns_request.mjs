// A request as APNs takes it, for clients that do nothing but send. Plain JavaScript, so that it
// is the same on Deno and on Node.js.

export const BODY = JSON.stringify({
  folder: "default0/INBOX",
  id: "1234",
  cid: "default0/INBOX/1234",
  topic: "ox:mail:new",
  notification: "00000000-0000-7000-8000-000000001234",
  aps: {
    alert: { title: "Jane Doe", body: "Let us meet\nHello" },
    badge: 83,
    sound: "default",
    "thread-id": "default0/INBOX",
  },
});

const TOKEN = `bearer ${"x".repeat(220)}`;

/** @param {number} index */
export function headersOf(index) {
  const id = `00000000-0000-7000-8000-${String(index).padStart(12, "0")}`;
  return {
    authorization: TOKEN,
    "content-type": "application/json",
    "apns-topic": "com.example.carillon",
    "apns-push-type": "alert",
    "apns-id": id,
    "apns-priority": "10",
    "apns-collapse-id": id,
  };
}
