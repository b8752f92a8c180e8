/**
 * Validates one client's entry in `pns-gcm-options.yml`: the original's server key for the legacy
 * format, or the service account for FCM's HTTP v1 API. The files are read when the client is
 * created.
 */

import { z } from "zod";
import { entryText, yamlFlag } from "../clients/mod.ts";

/** The address of FCM's HTTP v1 API. */
export const FCM_ADDRESS = "https://fcm.googleapis.com";

/** The legacy address; Google shut it in 2024, and it answers 404 with HTML since. */
export const LEGACY_ADDRESS = "https://fcm.googleapis.com/fcm/send";

const address = z.url({ protocol: /^https?$/ });

/** Validates an entry; an unknown key is an error, so that typing errors are noticed. */
export const gcmOptionsSchema = z.strictObject({
  enabled: z.exactOptional(yamlFlag),
  /** Server key of the legacy format. Secret. */
  key: z.exactOptional(entryText),
  /** Path of the service account's JSON file. */
  serviceaccount: z.exactOptional(entryText),
  /** Overrides the file's `project_id`. */
  projectid: z.exactOptional(
    entryText.regex(/^[a-z0-9][a-z0-9:.-]*$/, "is not a project id or number"),
  ),
  /** Base address of the v1 API, or the whole address of the legacy format. */
  address: z.exactOptional(address),
  /** Where to request access tokens, instead of the file's `token_uri`. */
  tokenaddress: z.exactOptional(address),
  /** Path of PEM certificates to trust in addition to the default ones. */
  cafile: z.exactOptional(entryText),
}).refine(({ key, serviceaccount }) => (key === undefined) !== (serviceaccount === undefined), {
  message: "needs either 'key' (legacy format) or 'serviceaccount' (FCM HTTP v1)",
});

/** One client's validated entry. */
export type GcmOptions = Readonly<z.infer<typeof gcmOptionsSchema>>;
