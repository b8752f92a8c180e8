// deno-lint-ignore-file no-console -- it runs on Node.js and talks by its output

// The yardstick for Web Push: npm web-push building a request (encryption, VAPID token, headers)
// without sending it. Takes its settings as JSON, prints one line of JSON with what it measured.
import process from "node:process";
import webpush from "web-push";
import { closedLoop } from "../support/closed_loop.mjs";

const { load, subscription, vapid, payload } = JSON.parse(process.argv[2]);
const vapidDetails = { subject: "mailto:push@example.com", ...vapid };
const options = { vapidDetails, TTL: 86_400, urgency: "high", contentEncoding: "aes128gcm" };

const result = await closedLoop(load, (index) => {
  const details = webpush.generateRequestDetails(subscription, `${payload}${index}`, options);
  return details.body.length > 0;
});
console.log(JSON.stringify(result));
process.exit(0);
