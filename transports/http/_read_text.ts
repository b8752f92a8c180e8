/** Reads a response to its end, as the connection is only reused then, but keeps little of it. */

/** Providers answer with a few hundred bytes; an error page of a proxy may be anything. */
const MAX_BYTES = 8 * 1024;

/** The first 8 KiB of the body as text. What is longer, or to be ignored, is cancelled instead. */
export async function readText(
  response: Response,
  { ignore = false }: { readonly ignore?: boolean } = {},
): Promise<string> {
  if (!response.body) return "";
  if (ignore) {
    await response.body.cancel();
    return "";
  }
  const decoder = new TextDecoder();
  let room = MAX_BYTES;
  let text = "";
  for await (const chunk of response.body) {
    text += decoder.decode(chunk.subarray(0, room), { stream: true });
    room -= chunk.length;
    // Leaving the loop cancels the body.
    if (room <= 0) break;
  }
  return text + decoder.decode();
}
