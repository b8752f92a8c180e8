/** `vapid`: makes a VAPID key pair, ready for `conf/pns-webpush-options.yml`, and keeps nothing. */

import { makeVapidKeys } from "../../transports/webpush/vapid.ts";
import type { Input } from "../definition.ts";
import type { CliDeps } from "../deps.ts";

/** Makes it. */
export default async function run(_input: Input, { output }: CliDeps): Promise<void> {
  const { publickey, privatekey } = await makeVapidKeys();
  output.result(
    { publickey, privatekey },
    `# The page subscribes with the public key as its applicationServerKey.
    publickey: ${publickey}
    privatekey: ${privatekey}`,
  );
}
