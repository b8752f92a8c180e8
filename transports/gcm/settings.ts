/**
 * The shape of one client's entry in `pns-gcm-options.yml`: the seed's server key for the legacy
 * wire format, or the service account that FCM's HTTP v1 API asks for. Reads no file; the paths
 * are opened when the client is built.
 */

import { z } from "zod";
import { yamlFlag } from "../clients/mod.ts";

/** Where FCM's HTTP v1 API lives. */
export const FCM_ADDRESS = "https://fcm.googleapis.com";

/** Where the legacy format went until Google shut it in 2024; answers 404 with HTML since. */
export const LEGACY_ADDRESS = "https://fcm.googleapis.com/fcm/send";

const text = z.string().trim().min(1);
const address = z.url({ protocol: /^https?$/ });

/** Checks one client's entry; an unknown key is an error, so that a misspelt one is noticed. */
export const gcmOptionsSchema = z.strictObject({
  enabled: z.exactOptional(yamlFlag),
  /** Server key of the legacy format. Secret. */
  key: z.exactOptional(text),
  /** Path of the service account's JSON file. */
  serviceaccount: z.exactOptional(text),
  /** Overrides the file's `project_id`. */
  projectid: z.exactOptional(text.regex(/^[a-z0-9][a-z0-9:.-]*$/, "is not a project id or number")),
  /** Base address of the v1 API, or the whole address of the legacy format. */
  address: z.exactOptional(address),
  /** Where access tokens are asked for, instead of the file's `token_uri`. */
  tokenaddress: z.exactOptional(address),
  /** Path of PEM certificates to trust besides the usual ones. */
  cafile: z.exactOptional(text),
}).superRefine((options, context) => {
  if ((options.key === undefined) === (options.serviceaccount === undefined)) {
    context.addIssue({
      code: "custom",
      message: "needs either 'key' (legacy format) or 'serviceaccount' (FCM HTTP v1)",
    });
  }
});

/** One client's entry, checked. */
export type GcmOptions = Readonly<z.infer<typeof gcmOptionsSchema>>;
