// deno-lint-ignore-file no-console -- it runs on Node.js and talks by its output

// The yardstick for APNs: @parse/node-apn with its defaults, a notification of its own for each
// push. Takes its settings as JSON, prints one line of JSON with what it measured.
import process from "node:process";
import apn from "@parse/node-apn";
import { closedLoop } from "../support/closed_loop.mjs";

const { load, address, folder, apns } = JSON.parse(process.argv[2]);
const { hostname, port } = new URL(address);
const provider = new apn.Provider({
  token: { key: `${folder}/apns.p8`, keyId: apns.keyId, teamId: apns.teamId },
  ca: `${folder}/ca.pem`,
  address: hostname,
  port: Number(port),
});

const result = await closedLoop(load, async (index) => {
  const id = `00000000-0000-7000-8000-${String(index).padStart(12, "0")}`;
  const notification = new apn.Notification({
    id,
    topic: apns.bundleId,
    pushType: "alert",
    priority: 10,
    collapseId: id,
    alert: { title: "Jane Doe", body: "Let us meet\nHello" },
    badge: 83,
    sound: "default",
    threadId: "default0/INBOX",
    payload: {
      folder: "default0/INBOX",
      id: String(index),
      cid: `default0/INBOX/${index}`,
      topic: "ox:mail:new",
      notification: id,
    },
  });
  const { sent } = await provider.send(notification, index.toString(16).padStart(64, "0"));
  return sent.length === 1;
});
console.log(JSON.stringify(result));
process.exit(0);
