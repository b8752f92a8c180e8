// deno-lint-ignore-file no-console -- it runs on Node.js and on Deno, and talks by its output

// The floor that `node:http2` sets: posts with a head and a body as APNs takes them, by nothing but
// the module itself. Takes its settings as JSON, prints one line of JSON with what it measured.
import http2 from "node:http2";
import fs from "node:fs";
import process from "node:process";
import { closedLoop } from "../support/closed_loop.mjs";
import { BODY, headersOf } from "../support/apns_request.mjs";

const { load, address, folder } = JSON.parse(process.argv[2]);
const ca = fs.readFileSync(`${folder}/ca.pem`);
const sessions = Array.from({ length: load.connections }, () => http2.connect(address, { ca }));
await Promise.all(sessions.map((session) => new Promise((done) => session.once("connect", done))));

const result = await closedLoop(load, (index) =>
  new Promise((resolve) => {
    const stream = sessions[index % sessions.length].request({
      ":method": "POST",
      ":path": `/3/device/${index.toString(16).padStart(64, "0")}`,
      ...headersOf(index),
    });
    let status = 0;
    stream.on("response", (headers) => status = headers[":status"]);
    stream.on("data", () => {});
    stream.on("error", () => resolve(false));
    stream.on("close", () => resolve(status === 200));
    stream.end(BODY);
  }));
console.log(JSON.stringify(result));
process.exit(0);
