/**
 * VAPID keys as OpenSSL and libraries of other languages write them: PEM in place of the raw halves
 * in base64url that browsers and this service use. Nothing of a key is ever part of a message.
 */

import { createPrivateKey, createPublicKey } from "node:crypto";
import { readKeyOf, withLineBreaks } from "../clients/mod.ts";
import { decodeBase64url, encodeBase64url } from "./_base64url.ts";

/** The raw half of a private key, or why there is none. */
type RawPrivateKey =
  | { readonly kind: "key"; readonly raw: string }
  | { readonly kind: "fault"; readonly message: string };

/** The private number in base64url, of a text that has it so or as PEM. */
export function rawPrivateKey(text: string): RawPrivateKey {
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

/** The point in base64url where the text is a public key in PEM; any other text as it is. */
export function rawPublicKey(text: string): string {
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
