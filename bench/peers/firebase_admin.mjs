// deno-lint-ignore-file no-console -- it runs on Node.js and talks by its output

// The yardstick for FCM: firebase-admin's `sendEach`, which can send to Google only. So the one
// function through which it opens connections is led to the benchmark's far side. Takes its
// settings as JSON, prints one line of JSON with what it measured.
import { createRequire } from "node:module";
import fs from "node:fs";
import process from "node:process";

const require = createRequire(import.meta.url);
const { load, address, folder } = JSON.parse(process.argv[2]);
const http2 = require("node:http2");
const ca = fs.readFileSync(`${folder}/ca.pem`);
const { connect } = http2;
http2.connect = (_authority, options) => connect(address, { ...options, ca });

const { initializeApp } = require("firebase-admin/app");
const { getMessaging } = require("firebase-admin/messaging");
const credential = {
  getAccessToken: () => Promise.resolve({ access_token: "x".repeat(220), expires_in: 3600 }),
};
const messaging = getMessaging(initializeApp({ credential, projectId: "bench" }));
/** What one call of `sendEach` takes at most. */
const BATCH = 500;

function message(index) {
  return {
    token: `device-${index}:APA91b${"x".repeat(130)}`,
    notification: { title: "Jane Doe", body: "Let us meet\nHello" },
    data: { folder: "default0/INBOX", id: String(index), topic: "ox:mail:new" },
    android: { priority: "high", collapseKey: String(index) },
  };
}

let index = 0;
async function measure(forMs) {
  const latencies = [];
  let sent = 0;
  const started = performance.now();
  const cpu = process.cpuUsage();
  while (performance.now() - started < forMs) {
    const begun = performance.now();
    const { successCount } = await messaging.sendEach(
      Array.from({ length: BATCH }, () => message(index++)),
    );
    latencies.push(performance.now() - begun);
    sent += successCount;
  }
  const { user, system } = process.cpuUsage(cpu);
  latencies.sort((a, b) => a - b);
  const at = (share) => latencies[Math.floor(latencies.length * share)];
  return {
    perSecond: sent / (performance.now() - started) * 1000,
    cpuMicroseconds: (user + system) / Math.max(1, sent),
    p50: at(0.5),
    p99: at(0.99),
    failed: latencies.length * BATCH - sent,
  };
}

await measure(load.warmUpMs);
console.log(JSON.stringify(await measure(load.measureMs)));
process.exit(0);
