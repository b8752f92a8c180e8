/** Sample addresses to subscribe with, one per transport. */

import type { SimulatorAddresses } from "./addresses.ts";
import { faultToken, hexFaultToken } from "./fault_script.ts";
import type { Material } from "./material.ts";
import type { BrowserSubscription, SubscribeOptions } from "./webpush.ts";
import { WNS_CHANNEL_PATH } from "./wns.ts";

/** Tokens as a client sends them when it subscribes. */
export interface Samples {
  readonly apn: string;
  readonly gcm: string;
  readonly wns: string;
  readonly webpush: BrowserSubscription;
}

interface SamplesOptions {
  readonly addresses: Pick<SimulatorAddresses, "wns">;
  readonly material: Material;
  readonly subscribe: (options: SubscribeOptions) => BrowserSubscription;
}

/** Creates the samples, the same ones at every start with the same material. */
export function samplesOf({ addresses, material, subscribe }: SamplesOptions): Samples {
  return {
    apn: "c0ffee".padEnd(64, "0"),
    gcm: "sample-device:APA91bSample",
    wns: channel(addresses, "sample"),
    webpush: subscribe({
      name: "sample",
      keys: material.browser,
      applicationServerKey: material.vapid.publicKey,
    }),
  };
}

/**
 * Creates samples with a fault script.
 *
 * @param unique distinguishes samples with the same script: each runs through it on its own.
 */
export function faultySamplesOf(
  script: string,
  unique: string,
  { addresses, material, subscribe }: SamplesOptions,
): Samples {
  const token = faultToken(script, unique);
  return {
    apn: hexFaultToken(script, unique),
    gcm: token,
    wns: channel(addresses, token),
    webpush: subscribe({
      name: unique,
      fault: script,
      applicationServerKey: material.vapid.publicKey,
    }),
  };
}

function channel({ wns }: Pick<SimulatorAddresses, "wns">, token: string): string {
  return `${wns}${WNS_CHANNEL_PATH}?token=${encodeURIComponent(token)}`;
}
