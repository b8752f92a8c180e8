/**
 * Validates one client's entry in `pns-apns-options.yml`: the original's keys (PKCS#12 keystore)
 * and its later ones (`authtype` and the parts of a token key). `credentials.ts` reads the files.
 */

import { z } from "zod";
import { entryText, yamlFlag } from "../clients/mod.ts";

/** How a client authenticates to APNs. */
export type ApnAuth =
  | { readonly type: "certificate"; readonly keystore: string; readonly password: string }
  | {
    readonly type: "jwt";
    /** Path of the `.p8` file. */
    readonly privatekey: string;
    readonly keyid: string;
    readonly teamid: string;
  };

const tenCharacters = z.string().trim().regex(/^[A-Za-z0-9]{10}$/, "expected 10 letters or digits");
const origin = z.string().trim().transform((value, context) => {
  const url = URL.parse(value);
  const plain = url && url.protocol === "https:" && url.pathname === "/" && !url.username &&
    !url.password && !url.search && !url.hash;
  if (plain) return url.origin;
  context.addIssue("expected an address like https://localhost:2197, without a path");
  return z.NEVER;
});

const entry = z.strictObject({
  enabled: yamlFlag.default(true),
  production: yamlFlag.default(true),
  /** The app's bundle id. Optional with a certificate, which names it. */
  topic: z.exactOptional(
    entryText.regex(/^[A-Za-z0-9.-]+$/, "expected a bundle id such as com.example.app"),
  ),
  /** Origin to call instead of Apple's, e.g. for port 2197 or a simulator. */
  address: z.exactOptional(origin),
  /** PEM file of certificate authorities to trust in addition to the default ones. */
  cafile: z.exactOptional(entryText),
  authtype: z.string().trim().toLowerCase().pipe(z.enum(["certificate", "jwt"])).optional(),
  keystore: entryText.optional(),
  password: z.string().optional(),
  privatekey: entryText.optional(),
  keyid: tenCharacters.optional(),
  teamid: tenCharacters.optional(),
});

type Entry = z.infer<typeof entry>;

/** Options of one client. */
export interface ApnOptions
  extends Readonly<Pick<Entry, "enabled" | "production" | "topic" | "address" | "cafile">> {
  /** Absent only where the client is disabled. */
  readonly auth?: ApnAuth;
}

/** Validates an entry. A disabled entry need not be complete. */
export const apnOptionsSchema = entry.transform((given, context): ApnOptions => {
  const { authtype, keystore, password, privatekey, keyid, teamid, ...options } = given;
  if (!options.enabled) return options;
  const auth = authOf({ authtype, keystore, password, privatekey, keyid, teamid });
  const missing = requiredKeys(auth.type).filter((key) => given[key] === undefined);
  for (const key of missing) {
    context.addIssue({
      code: "custom",
      path: [key],
      message: `is needed for authtype '${auth.type}'`,
    });
  }
  return { ...options, auth };
});

function requiredKeys(type: ApnAuth["type"]): readonly (keyof Entry)[] {
  return type === "certificate"
    ? ["keystore", "password"]
    : ["privatekey", "keyid", "teamid", "topic"];
}

/** Without `authtype`, the configured key decides; the original knew keystores only. */
function authOf(
  { authtype, keystore, password, privatekey, keyid, teamid }: Omit<Entry, keyof ApnOptions>,
): ApnAuth {
  const type = authtype ??
    (keystore === undefined && privatekey !== undefined ? "jwt" : "certificate");
  return type === "certificate"
    ? { type, keystore: keystore ?? "", password: password ?? "" }
    : { type, privatekey: privatekey ?? "", keyid: keyid ?? "", teamid: teamid ?? "" };
}
