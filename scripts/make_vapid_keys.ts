// deno-lint-ignore-file no-console -- a command answers on the terminal
/**
 * Prints a new VAPID key pair, ready to be pasted under a client in `conf/pns-webpush-options.yml`.
 * Needs no permission, and keeps nothing.
 */

import { makeVapidKeys } from "../transports/webpush/vapid.ts";

const { publickey, privatekey } = await makeVapidKeys();

console.log(`# The page subscribes with the public key as its applicationServerKey.
    publickey: ${publickey}
    privatekey: ${privatekey}`);
