/**
 * Validates one client's entry in `pns-wns-options.yml`: the original's package SID and secret, or
 * an Entra tenant and app for apps on the Windows App SDK. Reads no file.
 */

import { z } from "zod";
import { entryText, yamlFlag } from "../clients/mod.ts";

/** The kinds of notifications, as `X-WNS-Type` names them. */
export const WNS_TYPES = ["toast", "tile", "badge", "raw"] as const;
/** One kind of notification. */
export type WnsType = typeof WNS_TYPES[number];

/** `host`, `host:port` or `*.domain`. */
const host = entryText.regex(/^(\*\.)?[A-Za-z0-9.-]+(:\d{1,5})?$/, "is not a host name");

/** Validates an entry; an unknown key is an error, so that typing errors are noticed. */
export const wnsOptionsSchema = z.strictObject({
  enabled: z.exactOptional(yamlFlag),
  /** Package security identifier, with or without `ms-app://`. */
  sid: z.exactOptional(entryText),
  /** Directory (tenant) of the Entra app. */
  tenant: z.exactOptional(entryText.regex(/^[A-Za-z0-9.-]+$/, "is not a tenant id or domain")),
  /** Application (client) id of the Entra app. */
  appid: z.exactOptional(entryText),
  /** Secret of the package or of the Entra app. */
  secret: entryText,
  /** The kind of a message with visible content. Default: toast. */
  type: z.exactOptional(z.enum(WNS_TYPES)),
  /** Where to request access tokens, instead of Microsoft. */
  tokenaddress: z.exactOptional(z.url({ protocol: /^https?$/ })),
  /** Hosts of channel addresses in addition to Microsoft's. */
  hosts: z.exactOptional(z.union([host.transform((one) => [one]), z.array(host).max(100)])),
  /** Path of PEM certificates to trust in addition to the default ones. */
  cafile: z.exactOptional(entryText),
}).refine(({ sid, tenant, appid }) => {
  const needsEntra = sid === undefined;
  return (tenant !== undefined) === needsEntra && (appid !== undefined) === needsEntra;
}, { message: "needs either 'sid', or both 'tenant' and 'appid', beside 'secret'" });

/** One client's validated entry. */
export type WnsOptions = Readonly<z.infer<typeof wnsOptionsSchema>>;
