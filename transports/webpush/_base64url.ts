/** Base64url as in the Web Push RFCs: without padding. */

/** Decodes base64url or base64, padded or not; `undefined` for any other text. */
export function decodeBase64url(text: string): Uint8Array<ArrayBuffer> | undefined {
  try {
    const plain = text.replace(/=+$/, "").replaceAll("+", "-").replaceAll("/", "_");
    return Uint8Array.fromBase64(plain, { alphabet: "base64url" });
  } catch {
    return undefined;
  }
}

/** Encodes bytes as base64url without padding. */
export function encodeBase64url(bytes: Uint8Array): string {
  return bytes.toBase64({ alphabet: "base64url", omitPadding: true });
}
