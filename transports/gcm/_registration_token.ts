/** Checks registration tokens, which clients supply and, as canonical ids, legacy answers. */

import { ServiceError } from "../../core/errors.ts";

/** Google documents no length; real tokens have 140 to 200 characters. */
const REGISTRATION_TOKEN = /^[\x21-\x7e]{1,4096}$/;

/** Whether a text can be a registration token: visible ASCII without spaces. */
export function isRegistrationToken(text: string): boolean {
  return REGISTRATION_TOKEN.test(text);
}

/**
 * Reads a registration token from a client.
 *
 * @throws {ServiceError} `invalid_token`.
 */
export function parseRegistrationToken(raw: unknown): string {
  if (typeof raw === "string" && isRegistrationToken(raw)) return raw;
  throw new ServiceError(
    "invalid_token",
    "Cannot take the token: a registration token has 1 to 4096 visible ASCII characters and no spaces",
  );
}
