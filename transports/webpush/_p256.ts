/** Checks points of the curve P-256 synchronously, which WebCrypto cannot. */

const P = 0xffffffff00000001000000000000000000000000ffffffffffffffffffffffffn;
const B = 0x5ac635d8aa3a93e7b3ebbd55769886bc651d06b0cc53b0f63bce3c3e27d2604bn;

/**
 * Whether these are the 65 bytes of an uncompressed point on the curve (SEC 1 §3.2.2.1, FIPS 186-4
 * D.1.2.3). The curve's cofactor is 1, so no further check of a public key is needed. The input is
 * public, so the time need not be constant.
 */
export function isP256Point(bytes: Uint8Array): boolean {
  if (bytes.length !== 65 || bytes[0] !== 4) return false;
  const x = toInteger(bytes.subarray(1, 33));
  const y = toInteger(bytes.subarray(33));
  if (x >= P || y >= P) return false;
  return (y * y - (x * x - 3n) * x - B) % P === 0n;
}

function toInteger(bytes: Uint8Array): bigint {
  return BigInt(`0x${bytes.toHex()}`);
}
