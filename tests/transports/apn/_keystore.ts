/** Keystores and certificates like Apple's, made by OpenSSL while the tests run. */

import type { CertificateOptions, KeyPair } from "../../support/certificate.ts";
import { makeCertificate, openssl, withTempDir } from "../../support/certificate.ts";

/** Extensions that name the environments of a push certificate. */
export const DEVELOPMENT = "1.2.840.113635.100.6.3.1=ASN1:NULL";
export const PRODUCTION = "1.2.840.113635.100.6.3.2=ASN1:NULL";
export const BUNDLE_ID = "com.example.app";

/** A push certificate for {@link BUNDLE_ID}, by default for both environments. */
export function makePushCertificate(options: CertificateOptions = {}): Promise<KeyPair> {
  return makeCertificate({
    subject: `/UID=${BUNDLE_ID}/CN=Apple Push Services: ${BUNDLE_ID}`,
    extensions: [DEVELOPMENT, PRODUCTION],
    ...options,
  });
}

/** Settings of {@link makeKeystore}. */
export interface KeystoreOptions {
  readonly password: string;
  /** PEM of another certificate to put in. */
  readonly authority?: string;
  /** Further arguments of `openssl pkcs12 -export`. */
  readonly args?: readonly string[];
}

/** A PKCS#12 keystore with a key and its certificate. */
export function makeKeystore(
  { key, cert }: KeyPair,
  { password, authority = "", args = [] }: KeystoreOptions,
): Promise<Uint8Array> {
  return withTempDir(async (dir) => {
    await Deno.writeTextFile(`${dir}/key.pem`, key);
    await Deno.writeTextFile(`${dir}/cert.pem`, cert + authority);
    await Deno.writeTextFile(`${dir}/password`, `${password}\n`);
    const files = ["-inkey", "key.pem", "-in", "cert.pem", "-out", "store.p12"];
    await openssl(dir, ["pkcs12", "-export", ...files, "-passout", "file:password", ...args]);
    return await Deno.readFile(`${dir}/store.p12`);
  });
}
