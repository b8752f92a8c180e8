/**
 * A configuration of the service for a running simulator: options files, credentials and the
 * properties that enable the transports. It only creates text; `command.ts` writes it.
 */

import { stringify } from "yaml";
import type { SimulatorAddresses } from "./addresses.ts";
import { type Material, serviceAccount } from "./material.ts";

/** Clients of the sample configuration, one per transport. */
export const SAMPLE_CLIENTS = {
  apn: "demo-ios",
  apnCertificate: "demo-ios-certificate",
  gcm: "demo-android",
  gcmLegacy: "demo-android-legacy",
  wns: "demo-windows",
  wnsEntra: "demo-windows-entra",
  webpush: "demo-browser",
} as const;

/** A file to be written, with its path within the folder. */
interface SampleFile {
  readonly path: string;
  readonly content: string | Uint8Array;
}

interface SampleConfigurationOptions {
  readonly addresses: SimulatorAddresses;
  readonly material: Material;
  /** Absolute path of the folder of the files, without a slash at the end. */
  readonly folder: string;
}

const HEADING = "# Written by the simulator at every start; fits its credentials and addresses.\n";

/** Creates all files: `ca.pem`, credentials beside it, and the configuration under `conf/`. */
export function sampleConfiguration(options: SampleConfigurationOptions): readonly SampleFile[] {
  const { material } = options;
  const { apns, fcm } = material;
  return [
    { path: "ca.pem", content: material.authority.certificate },
    { path: "apns.p8", content: apns.privateKey },
    { path: "apns.p12", content: Uint8Array.fromBase64(apns.keystore) },
    {
      path: "service-account.json",
      content: serviceAccount(fcm, options.addresses.googleToken),
    },
    { path: "conf/pns.properties", content: properties() },
    { path: "conf/pns-apns-options.yml", content: apnsOptions(options) },
    { path: "conf/pns-gcm-options.yml", content: gcmOptions(options) },
    { path: "conf/pns-wns-options.yml", content: wnsOptions(options) },
    { path: "conf/pns-webpush-options.yml", content: webPushOptions(options) },
  ];
}

function properties(): string {
  return HEADING + ["websocket", "apn.ios", "gcm", "wns", "webpush"]
    .map((transport) => `com.openexchange.pns.transport.${transport}.enabled=true\n`).join("");
}

function apnsOptions({ addresses, material, folder }: SampleConfigurationOptions): string {
  const { bundleId, keyId, teamId, password } = material.apns;
  const common = { topic: bundleId, address: addresses.apns, cafile: `${folder}/ca.pem` };
  return yaml({
    [SAMPLE_CLIENTS.apn]: {
      authtype: "jwt",
      privatekey: `${folder}/apns.p8`,
      keyid: keyId,
      teamid: teamId,
      ...common,
    },
    [SAMPLE_CLIENTS.apnCertificate]: { keystore: `${folder}/apns.p12`, password, ...common },
  });
}

function gcmOptions({ addresses, material, folder }: SampleConfigurationOptions): string {
  const cafile = `${folder}/ca.pem`;
  return yaml({
    [SAMPLE_CLIENTS.gcm]: {
      serviceaccount: `${folder}/service-account.json`,
      address: addresses.fcm,
      tokenaddress: addresses.googleToken,
      cafile,
    },
    [SAMPLE_CLIENTS.gcmLegacy]: { key: material.gcm.key, address: addresses.gcm, cafile },
  });
}

function wnsOptions({ addresses, material, folder }: SampleConfigurationOptions): string {
  const { sid, secret, tenant, appId, appSecret } = material.wns;
  const common = { hosts: [new URL(addresses.wns).host], cafile: `${folder}/ca.pem` };
  return yaml({
    [SAMPLE_CLIENTS.wns]: { sid, secret, tokenaddress: addresses.wnsToken, ...common },
    [SAMPLE_CLIENTS.wnsEntra]: {
      tenant,
      appid: appId,
      secret: appSecret,
      tokenaddress: addresses.entraToken,
      ...common,
    },
  });
}

function webPushOptions({ addresses, material, folder }: SampleConfigurationOptions): string {
  return yaml({
    [SAMPLE_CLIENTS.webpush]: {
      publickey: material.vapid.publicKey,
      privatekey: material.vapid.privateKey,
      subject: "mailto:push@example.com",
      hosts: [new URL(addresses.webpush).host],
      cafile: `${folder}/ca.pem`,
    },
  });
}

function yaml(clients: Readonly<Record<string, unknown>>): string {
  return HEADING +
    stringify(clients, { indent: 4, defaultStringType: "QUOTE_DOUBLE", defaultKeyType: "PLAIN" });
}
