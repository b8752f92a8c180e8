/** What Google calls a registration token: opaque text, checked only for what could do harm. */

import { ServiceError } from "../../core/errors.ts";

/** Google names no length; real ones have 140 to 200 characters. */
const TOKEN = /^[\x21-\x7e]{1,4096}$/;

/** Whether a text can be a registration token: visible ASCII without blanks. */
export function isRegistrationToken(text: string): boolean {
  return TOKEN.test(text);
}

/**
 * A registration token as a client hands it in.
 *
 * @throws {ServiceError} `invalid_token`.
 */
export function parseRegistrationToken(raw: unknown): string {
  if (typeof raw === "string" && isRegistrationToken(raw)) return raw;
  throw new ServiceError(
    "invalid_token",
    "Cannot take the token: a registration token has 1 to 4096 visible ASCII characters and no blanks",
  );
}
