// deno-lint-ignore-file no-console -- a command answers on the terminal
/**
 * Prints a new VAPID key pair to paste below a client in `conf/pns-webpush-options.yml`. Needs no
 * permission and stores nothing.
 */

import { makeVapidKeys } from "../transports/webpush/vapid.ts";

const { publickey, privatekey } = await makeVapidKeys();

console.log(`# The page subscribes with the public key as its applicationServerKey.
    publickey: ${publickey}
    privatekey: ${privatekey}`);
