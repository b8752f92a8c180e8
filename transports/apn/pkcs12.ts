/**
 * Opens a PKCS#12 keystore. It tries the runtime's reader first, which is fast and knows every
 * cipher of the last 25 years. That reader returns the parts through a property that Node.js does
 * not document, and cannot open a keystore with an unencrypted key; for both cases it loads
 * `node-forge`. Both hash the password as often as the keystore says and block the process
 * meanwhile, so the number is checked first.
 */

import { Buffer } from "node:buffer";
import { createPrivateKey } from "node:crypto";
import tls from "node:tls";
import { messageOf } from "../../core/errors.ts";
import { iterationsOf } from "./_iterations.ts";

/** The parts of a keystore in PEM, in the keystore's order. */
interface Pkcs12Parts {
  readonly kind: "opened";
  readonly key: string;
  readonly certificates: readonly string[];
}

interface Pkcs12Fault {
  readonly kind: "fault";
  readonly message: string;
}

/** The most iterations that take well below a second: of the runtime, of `node-forge`. */
const MAX_ITERATIONS = 1_500_000;
const MAX_SLOW_ITERATIONS = 100_000;

const WRONG_PASSWORD: Pkcs12Fault = { kind: "fault", message: "the password is wrong" };
const UNREADABLE: Pkcs12Fault = {
  kind: "fault",
  message: "it is not a PKCS#12 keystore, or the password is wrong",
};

/** Opens a keystore, or says why it cannot be opened. */
export async function openPkcs12(
  bytes: Uint8Array,
  password: string,
): Promise<Pkcs12Parts | Pkcs12Fault> {
  const iterations = iterationsOf(bytes);
  if (iterations > MAX_ITERATIONS) return tooMany(MAX_ITERATIONS);
  const opened = openNatively(bytes, password);
  if (opened) return opened;
  if (iterations > MAX_SLOW_ITERATIONS) return tooMany(MAX_SLOW_ITERATIONS);
  return await openByForge(bytes, password);
}

function tooMany(limit: number): Pkcs12Fault {
  const message = `it asks for more than ${limit} iterations in all: export it again with fewer ` +
    "(of 'openssl pkcs12 -export', the default)";
  return { kind: "fault", message };
}

/** `undefined` where `node-forge` must try. */
function openNatively(bytes: Uint8Array, password: string): Pkcs12Parts | Pkcs12Fault | undefined {
  try {
    const { context } = tls.createSecureContext({ pfx: Buffer.from(bytes), passphrase: password });
    const { key, cert, ca } = context as { key?: unknown; cert?: unknown; ca?: unknown };
    if (typeof key !== "string" || typeof cert !== "string") return undefined;
    const others = (Array.isArray(ca) ? ca : [ca]).filter((part) => typeof part === "string");
    return partsOf(key, [cert, ...others]);
  } catch (error) {
    return /mac verify/i.test(messageOf(error)) ? WRONG_PASSWORD : undefined;
  }
}

/**
 * Without a MAC, one wrong password in 256 yields bytes with a valid padding.
 *
 * @throws where the result is not a key
 */
function partsOf(key: string, certificates: readonly string[]): Pkcs12Parts {
  createPrivateKey(key);
  return { kind: "opened", key, certificates };
}

async function openByForge(
  bytes: Uint8Array,
  password: string,
): Promise<Pkcs12Parts | Pkcs12Fault> {
  const { default: forge } = await import("node-forge");
  const { certBag, keyBag, pkcs8ShroudedKeyBag } = forge.pki.oids;
  try {
    const der = forge.util.createBuffer(Buffer.from(bytes).toString("binary"));
    const store = forge.pkcs12.pkcs12FromAsn1(forge.asn1.fromDer(der), false, password);
    const bags = (type: string) => store.getBags({ bagType: type })[type] ?? [];
    const [keyHolder] = [...bags(pkcs8ShroudedKeyBag), ...bags(keyBag)];
    const certificates = bags(certBag).flatMap((bag: { cert?: unknown; asn1: unknown }) =>
      pem("CERTIFICATE", bag.cert ? forge.pki.certificateToAsn1(bag.cert) : bag.asn1)
    );
    if (!keyHolder) return { kind: "fault", message: "it contains no private key" };
    if (certificates.length === 0) return { kind: "fault", message: "it contains no certificate" };
    const key = keyHolder.key
      ? forge.pki.wrapRsaPrivateKey(forge.pki.privateKeyToAsn1(keyHolder.key))
      : keyHolder.asn1;
    return partsOf(pem("PRIVATE KEY", key), certificates);
  } catch (error) {
    return /MAC could not be verified/i.test(messageOf(error)) ? WRONG_PASSWORD : UNREADABLE;
  }

  function pem(type: string, asn1: unknown): string {
    const body = Buffer.from(forge.asn1.toDer(asn1).getBytes(), "binary").toString("base64");
    return `-----BEGIN ${type}-----\n${
      body.match(/.{1,64}/g)!.join("\n")
    }\n-----END ${type}-----\n`;
  }
}
