/**
 * The tokens with which clients report a notification without a credential of their own. A token is
 * the first half of an HMAC-SHA-256 of the notification's id, so that nothing is stored for each.
 * The key is made once and kept in the store, where every node finds it.
 */

import { createHmac } from "node:crypto";
import { equalsInConstantTime } from "../core/constant_time.ts";
import { readOrCreate } from "../core/read_or_create.ts";
import type { Store } from "../core/store.ts";

const KEY = ["secret", "receipts"];
const TOKEN_BYTES = 16;

interface StoredKey {
  readonly v: 1;
  /** Base64. */
  readonly key: string;
}

/** Makes and checks receipt tokens. */
export class ReceiptTokens {
  readonly #key: Uint8Array;

  /** @param key at least 32 secret bytes */
  constructor(key: Uint8Array) {
    this.#key = key;
  }

  /** The token of a notification: 22 characters of base64url. */
  of(id: string): string {
    return createHmac("sha256", this.#key).update(id).digest()
      .subarray(0, TOKEN_BYTES).toString("base64url");
  }

  /** Whether a token is this notification's, in a time that does not depend on the token. */
  matches(id: string, token: string): boolean {
    return equalsInConstantTime(token, this.of(id));
  }
}

/**
 * Reads the key from the store, or makes it where this is the first start.
 *
 * @throws {ServiceError} `store_unavailable`
 */
export async function loadReceiptTokens(store: Store): Promise<ReceiptTokens> {
  const { key } = await readOrCreate<StoredKey>(store, {
    key: KEY,
    create: () => ({ v: 1, key: crypto.getRandomValues(new Uint8Array(32)).toBase64() }),
  });
  return new ReceiptTokens(Uint8Array.fromBase64(key));
}
