/**
 * Validates one client's entry in `pns-webpush-options.yml`: the VAPID key pair (RFC 8292), the
 * contact for the push services, and hosts that endpoints may name in addition to the known ones.
 * Keys may also be PEM, as OpenSSL and other libraries write them. No error contains a part of a
 * key.
 */

import { createPrivateKey, createPublicKey } from "node:crypto";
import { z } from "zod";
import { ServiceError } from "../../core/errors.ts";
import { entryText, faultlessText, readKeyOf, withLineBreaks, yamlFlag } from "../clients/mod.ts";
import { createHostCheck } from "../http/mod.ts";
import { decodeBase64url, encodeBase64url } from "./_base64url.ts";
import { isP256Point } from "./_p256.ts";

const keyPair = {
  /** Base64url of the uncompressed point; browsers call it `applicationServerKey`. */
  publickey: entryText.transform(rawPublicKey).refine(
    (it) => isP256Point(decodeBase64url(it) ?? new Uint8Array()),
    "is not a P-256 public key: expected 65 bytes as base64url, as 'deno task vapid' prints them",
  ),
  /** Base64url of the 32 bytes of the private number. Secret. */
  privatekey: entryText.transform((given, context) => {
    const read = rawPrivateKey(given);
    if (read.kind === "key") return read.raw;
    context.addIssue(
      `${read.message}; expected 32 bytes as base64url, as 'deno task vapid' prints them`,
    );
    return z.NEVER;
  }),
};

const earlierPairs = z.exactOptional(z.array(z.strictObject(keyPair)).max(5));

/** Validates an entry; an unknown key is an error, so that typing errors are noticed. */
export const webPushOptionsSchema = z.strictObject({
  enabled: z.exactOptional(yamlFlag),
  ...keyPair,
  subject: faultlessText(subjectFault),
  /** Hosts in addition to the known ones: `host`, `host:port` or `*.domain`. */
  hosts: z.exactOptional(z.array(faultlessText(hostFault)).max(100)),
  /** Allows every https endpoint on port 443 whose name resolves to public addresses only. */
  anypublichost: z.exactOptional(yamlFlag),
  /** Path of PEM certificates to trust in addition to the default ones. */
  cafile: z.exactOptional(entryText),
  /** Earlier key pairs; a subscription stays bound to the key that it was created with. */
  previouskeys: earlierPairs,
  /** The former name of `previouskeys`. */
  oldkeys: earlierPairs,
});

/** One client's validated entry. */
export type WebPushOptions = Readonly<z.infer<typeof webPushOptionsSchema>>;

/**
 * Returns why a push service may refuse this `sub` claim, or `undefined`. As strict as Apple, which
 * answers `BadJwtToken` to spaces, angle brackets and local names.
 */
export function subjectFault(subject: string): string | undefined {
  const [, mailDomain] = /^mailto:[^\s<>@,:;"()[\]\\]+@([a-z0-9.-]+)$/i.exec(subject) ?? [];
  const url = /^https:\/\/[^\s<>]+$/i.test(subject) ? URL.parse(subject) : null;
  const domain = mailDomain ?? url?.hostname;
  if (domain === undefined) {
    return "is not a contact: expected 'mailto:name@domain' or an 'https:' address, and nothing else";
  }
  if (!/^(?:[a-z0-9](?:[a-z0-9-]*[a-z0-9])?\.)+[a-z][a-z0-9-]*$/i.test(domain)) {
    return "needs a public domain name: Apple refuses local names and addresses";
  }
  return undefined;
}

function hostFault(host: string): string | undefined {
  try {
    createHostCheck([host]);
    return undefined;
  } catch (error) {
    if (error instanceof ServiceError) return error.message;
    throw error;
  }
}

/** The raw private key, or why there is none. */
type RawPrivateKey =
  | { readonly kind: "key"; readonly raw: string }
  | { readonly kind: "fault"; readonly message: string };

/** Returns the private number in base64url, from base64url or PEM. */
function rawPrivateKey(text: string): RawPrivateKey {
  if (text.includes("-----BEGIN")) {
    const read = readKeyOf("P-256", text);
    if (read.kind === "fault") return read;
    return { kind: "key", raw: createPrivateKey(read.pkcs8).export({ format: "jwk" }).d! };
  }
  const length = decodeBase64url(text)?.length;
  if (length === 32) return { kind: "key", raw: text };
  const what = length === 65 ? "is a public key" : "is not a P-256 private key";
  return { kind: "fault", message: what };
}

/** Returns the point in base64url for a public key in PEM; any other text as it is. */
function rawPublicKey(text: string): string {
  if (!text.includes("-----BEGIN PUBLIC KEY-----")) return text;
  try {
    const { crv, x, y } = createPublicKey(withLineBreaks(text)).export({ format: "jwk" });
    const [left, right] = [decodeBase64url(x ?? ""), decodeBase64url(y ?? "")];
    if (crv !== "P-256" || !left || !right) return text;
    return encodeBase64url(new Uint8Array([4, ...left, ...right]));
  } catch {
    return text;
  }
}
