/**
 * The shape of one entry of `webhooks.yml`, with the original's names and defaults. Options that
 * this service does not know are passed over, since the file belongs to the middleware too.
 */

import { z } from "zod";
import { entryText, faultlessText, yamlFlag } from "../clients/mod.ts";

/** Whole numbers as they stand in YAML 1.1: with a sign, and with `_` between digits. */
const wholeNumber = z.string().regex(/^[+-]?\d[\d_]{0,18}$/, "must be a whole number")
  .transform((digits) => Number(digits.replaceAll("_", "")));

/** Checks one entry. */
export const webhookOptionsSchema = z.object({
  enabled: z.exactOptional(yamlFlag),
  /** Absent: every subscription must name one, which only `uriValidationMode: none` allows. */
  uri: z.exactOptional(faultlessText(uriFault)),
  uriValidationMode: z.string().trim().toLowerCase()
    .pipe(z.enum(["none", "prefix", "exact"], { error: "must be none, prefix or exact" }))
    .default("prefix"),
  /** The value of the `Authorization` header. */
  webhookSecret: z.exactOptional(
    entryText.regex(/^[\x20-\x7e]+$/, "has characters that a header cannot carry"),
  ),
  login: z.exactOptional(entryText),
  password: z.exactOptional(entryText),
  signatureSecret: z.exactOptional(entryText),
  version: z.string().trim().regex(/^[\w.-]{1,32}$/, "must be a version such as 1").default("1"),
  /** Absent: nothing is signed, as in the original. */
  signatureHeaderName: z.exactOptional(
    entryText.regex(/^[A-Za-z0-9!#$%&'*+.^_`|~-]+$/, "is no name of a header"),
  ),
  /** Milliseconds; absent or 0: subscriptions live as long as they ask for. */
  maxTimeToLiveMillis: wholeNumber.default(0),
  /** 0 or less: any number. */
  maxNumberOfSubscriptionsPerUser: wholeNumber.default(0),
  allowSharedUri: yamlFlag.default(true),
}).refine(({ uri, uriValidationMode }) => uri !== undefined || uriValidationMode === "none", {
  message: "'uri' is missing: only 'uriValidationMode: none' does without",
});

/** One entry, checked. */
export type WebhookOptions = Readonly<z.infer<typeof webhookOptionsSchema>>;

/** Why a text is no address that a webhook can be sent to, or `undefined`. Never quotes it. */
export function uriFault(uri: string): string | undefined {
  const url = URL.parse(uri);
  if (!url || (url.protocol !== "https:" && url.protocol !== "http:")) {
    return "is not an http or https address";
  }
  if (url.username || url.password) return "contains a user name or password";
  return url.hash ? "contains a fragment" : undefined;
}
