/**
 * The credentials that the simulator and a service under test share: certificates, keys and
 * passwords. Plain data, so that a file can keep them across restarts together with the
 * subscriptions that depend on them.
 */

import { generateKeyPairSync } from "node:crypto";
import {
  type CertificatePair,
  createAppleIdentity,
  createAuthority,
  createRsaKey,
  createServerIdentity,
  toPkcs12,
} from "./certificates.ts";
import type { BrowserKeys } from "./aes128gcm.ts";
import { fromBase64url, toBase64url } from "./jwt.ts";

/** A P-256 key pair as in Web Push: base64url of the point and of the number. */
interface P256Pair {
  readonly publicKey: string;
  readonly privateKey: string;
}

/** All credentials of one simulator. */
export interface Material {
  readonly version: 1;
  /** Epoch milliseconds when the certificates expire. */
  readonly until: number;
  readonly authority: CertificatePair;
  readonly server: CertificatePair;
  readonly apns: {
    readonly bundleId: string;
    readonly keyId: string;
    readonly teamId: string;
    /** The `.p8` file. */
    readonly privateKey: string;
    /** The client certificate and its key in PEM, and both as a keystore. */
    readonly client: CertificatePair;
    /** Base64 of PKCS#12. */
    readonly keystore: string;
    readonly password: string;
  };
  readonly fcm: {
    readonly projectId: string;
    readonly clientEmail: string;
    readonly privateKeyId: string;
    readonly privateKey: string;
  };
  readonly gcm: { readonly key: string };
  readonly wns: {
    readonly sid: string;
    readonly secret: string;
    readonly tenant: string;
    readonly appId: string;
    readonly appSecret: string;
  };
  readonly vapid: P256Pair;
  /** Keys of the sample browser. */
  readonly browser: BrowserKeys;
}

interface MaterialOptions {
  /** Epoch milliseconds. */
  readonly now: number;
  /** Host names and addresses of the server certificate. */
  readonly hosts: readonly string[];
}

const DAY_MS = 86_400_000;
const VALID_DAYS = 365;
const BUNDLE_ID = "com.example.carillon";

/** Creates all credentials. Takes about half a second, nearly all of it for the RSA keys. */
export async function createMaterial({ now, hosts }: MaterialOptions): Promise<Material> {
  // Clocks of containers differ a little; a certificate from the future fails confusingly.
  const validity = { from: now - DAY_MS, until: now + VALID_DAYS * DAY_MS };
  const authority = await createAuthority(validity);
  const [server, client, fcmKey] = await Promise.all([
    createServerIdentity(authority, { ...validity, hosts }),
    createAppleIdentity(authority, { ...validity, bundleId: BUNDLE_ID }),
    createRsaKey(),
  ]);
  const password = randomText(12);
  return {
    version: 1,
    until: validity.until,
    authority,
    server,
    apns: {
      bundleId: BUNDLE_ID,
      keyId: randomText(10),
      teamId: randomText(10),
      privateKey: createP8(),
      client,
      keystore: toPkcs12(client, password).toBase64(),
      password,
    },
    fcm: {
      projectId: "carillon-simulator",
      clientEmail: "push@carillon-simulator.iam.gserviceaccount.com",
      privateKeyId: randomBytes(20).toHex(),
      privateKey: fcmKey,
    },
    gcm: { key: `AIza${randomText(35)}` },
    wns: {
      sid: `ms-app://s-1-15-2-${crypto.getRandomValues(new Uint32Array(7)).join("-")}`,
      secret: randomText(32),
      tenant: crypto.randomUUID(),
      appId: crypto.randomUUID(),
      appSecret: randomText(32),
    },
    vapid: createP256Pair(),
    browser: createBrowserKeys(),
  };
}

/** Returns the service-account file of the FCM credentials. */
export function serviceAccount(fcm: Material["fcm"], tokenUri: string): string {
  const account = {
    type: "service_account",
    project_id: fcm.projectId,
    private_key_id: fcm.privateKeyId,
    private_key: fcm.privateKey,
    client_email: fcm.clientEmail,
    client_id: "100000000000000000000",
    token_uri: tokenUri,
  };
  return JSON.stringify(account, undefined, 2) + "\n";
}

/** Creates a P-256 key pair in the form of Web Push. */
export function createP256Pair(): P256Pair {
  const { privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const { x, y, d } = privateKey.export({ format: "jwk" });
  const point = new Uint8Array(65);
  point[0] = 4;
  point.set(fromBase64url(x!), 1);
  point.set(fromBase64url(y!), 33);
  return { publicKey: toBase64url(point), privateKey: d! };
}

/** Creates the keys of a browser. */
export function createBrowserKeys(): BrowserKeys {
  return { ...createP256Pair(), auth: toBase64url(randomBytes(16)) };
}

const ALPHABET = "ABCDEFGHJKLMNPQRSTUVWXYZ23456789";

function createP8(): string {
  const { privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  return privateKey.export({ format: "pem", type: "pkcs8" }).toString();
}

function randomBytes(count: number): Uint8Array<ArrayBuffer> {
  return crypto.getRandomValues(new Uint8Array(count));
}

/** Capital letters and digits; 32 of them, so that the modulo favours none. */
function randomText(length: number): string {
  return Array.from(randomBytes(length), (byte) => ALPHABET[byte % ALPHABET.length]).join("");
}
