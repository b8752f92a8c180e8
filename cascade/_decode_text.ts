/**
 * Decodes the bytes of a configuration file. The original's packages ship UTF-8 and older
 * installations have ISO-8859-1; nothing in a file says which one it is.
 */

const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
/** Bytes that are converted in one call; more would be more arguments than a call can take. */
const SLICE = 8192;

/**
 * Returns the text of a file: UTF-8 where all of it is valid UTF-8, otherwise ISO-8859-1. A byte
 * order mark stays, since the readers pass over it and the check of a folder names it.
 */
export function decodeText(bytes: Uint8Array): string {
  try {
    return utf8.decode(bytes);
  } catch {
    return decodeLatin1(bytes);
  }
}

/** Byte for byte, as Java has it; `TextDecoder("latin1")` is windows-1252, which differs. */
function decodeLatin1(bytes: Uint8Array): string {
  let text = "";
  for (let at = 0; at < bytes.length; at += SLICE) {
    text += String.fromCharCode(...bytes.subarray(at, at + SLICE));
  }
  return text;
}
