/**
 * Creates X.509 certificates for the simulator: an authority, a server certificate, and a client
 * certificate like Apple's. The runtime creates the keys natively; node-forge does the rest, so that
 * OpenSSL is not needed.
 */

import { generateKeyPair } from "node:crypto";
import { promisify } from "node:util";
import forge from "node-forge";

/** A certificate and its private key, both PEM. */
export interface CertificatePair {
  readonly certificate: string;
  readonly privateKey: string;
}

/** The validity of a certificate, in epoch milliseconds. */
interface Validity {
  readonly from: number;
  readonly until: number;
}

/** Apple's extensions for the environment of a certificate. */
const APPLE_DEVELOPMENT = "1.2.840.113635.100.6.3.1";
const APPLE_PRODUCTION = "1.2.840.113635.100.6.3.2";
const USER_ID = "0.9.2342.19200300.100.1.1";
/** DER of ASN.1 NULL. */
const NULL = "\x05\x00";

const AUTHORITY: Subject = [{ name: "commonName", value: "Carillon simulator" }];

type Subject = forge.pki.CertificateField[];

/** Creates a certificate authority. */
export async function createAuthority(validity: Validity): Promise<CertificatePair> {
  const privateKey = await createRsaKey();
  return issue({ certificate: "", privateKey }, {
    privateKey,
    subject: AUTHORITY,
    validity,
    extensions: [
      { name: "basicConstraints", cA: true, critical: true },
      { name: "keyUsage", keyCertSign: true, cRLSign: true, critical: true },
      { name: "subjectKeyIdentifier" },
    ],
  });
}

/** Creates a server certificate for host names and IP addresses. */
export async function createServerIdentity(
  authority: CertificatePair,
  options: Validity & { readonly hosts: readonly string[] },
): Promise<CertificatePair> {
  return issue(authority, {
    privateKey: await createRsaKey(),
    subject: [{ name: "commonName", value: options.hosts[0] ?? "localhost" }],
    validity: options,
    extensions: [
      {
        name: "subjectAltName",
        altNames: options.hosts.map((host) =>
          /^[\d.]+$|:/.test(host) ? { type: 7, ip: host } : { type: 2, value: host }
        ),
      },
      { name: "extKeyUsage", serverAuth: true },
    ],
  });
}

/** Creates a client certificate like Apple's: the bundle id as user id, and the environments. */
export async function createAppleIdentity(
  authority: CertificatePair,
  options: Validity & {
    readonly bundleId: string;
    /** @default {["development", "production"]} */
    readonly environments?: readonly ("development" | "production")[];
  },
): Promise<CertificatePair> {
  const { bundleId, environments = ["development", "production"] } = options;
  return issue(authority, {
    privateKey: await createRsaKey(),
    subject: [
      { type: USER_ID, value: bundleId },
      { name: "commonName", value: `Apple Push Services: ${bundleId}` },
    ],
    validity: options,
    extensions: [
      ...environments.map((name) => ({
        id: name === "development" ? APPLE_DEVELOPMENT : APPLE_PRODUCTION,
        value: NULL,
      })),
      { name: "extKeyUsage", clientAuth: true },
    ],
  });
}

/** Creates a PKCS#12 keystore, encrypted with 3DES as Apple's keychains did for long. */
export function toPkcs12(identity: CertificatePair, password: string): Uint8Array<ArrayBuffer> {
  const asn1 = forge.pkcs12.toPkcs12Asn1(
    forge.pki.privateKeyFromPem(identity.privateKey),
    [forge.pki.certificateFromPem(identity.certificate)],
    password,
    { algorithm: "3des" },
  );
  const der: string = forge.asn1.toDer(asn1).getBytes();
  return Uint8Array.from(der, (char) => char.charCodeAt(0));
}

/** Creates an RSA key of 2048 bits, PEM of PKCS#8. */
export async function createRsaKey(): Promise<string> {
  const { privateKey } = await promisify(generateKeyPair)("rsa", { modulusLength: 2048 });
  return privateKey.export({ type: "pkcs8", format: "pem" }).toString();
}

interface Request {
  readonly privateKey: string;
  readonly subject: Subject;
  readonly validity: Validity;
  readonly extensions: object[];
}

function issue(authority: CertificatePair, request: Request): CertificatePair {
  const key = forge.pki.privateKeyFromPem(request.privateKey);
  const certificate = forge.pki.createCertificate();
  certificate.publicKey = forge.pki.setRsaPublicKey(key.n, key.e);
  // A leading 01 keeps the number positive (RFC 5280 §4.1.2.2).
  certificate.serialNumber = `01${forge.util.bytesToHex(forge.random.getBytesSync(15))}`;
  certificate.validity.notBefore = new Date(request.validity.from);
  certificate.validity.notAfter = new Date(request.validity.until);
  certificate.setSubject(request.subject);
  certificate.setIssuer(AUTHORITY);
  certificate.setExtensions(request.extensions);
  certificate.sign(forge.pki.privateKeyFromPem(authority.privateKey), forge.md.sha256.create());
  return {
    certificate: forge.pki.certificateToPem(certificate),
    privateKey: request.privateKey,
  };
}
