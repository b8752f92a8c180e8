// deno-lint-ignore-file no-console -- it runs on Node.js and talks by its output

// The yardstick for Web Push: npm web-push building a request (encryption, VAPID token, headers),
// and sending it where that is asked for. Takes its settings as JSON, prints one line of JSON with what it measured.
import fs from "node:fs";
import https from "node:https";
import process from "node:process";
import webpush from "web-push";
import { closedLoop } from "../support/closed_loop.mjs";

const { load, subscription, vapid, payload, cafile } = JSON.parse(process.argv[2]);
const vapidDetails = { subject: "mailto:push@example.com", ...vapid };
const options = { vapidDetails, TTL: 86_400, urgency: "high", contentEncoding: "aes128gcm" };

if (load.sends) {
  // Connections are kept, which web-push leaves to its caller.
  options.agent = new https.Agent({ keepAlive: true, ca: fs.readFileSync(cafile) });
}

const result = await closedLoop(load, async (index) => {
  if (load.sends) {
    const { statusCode } = await webpush.sendNotification(
      subscription,
      `${payload}${index}`,
      options,
    );
    return statusCode === 201;
  }
  const details = webpush.generateRequestDetails(subscription, `${payload}${index}`, options);
  return details.body.length > 0;
});
console.log(JSON.stringify(result));
process.exit(0);
