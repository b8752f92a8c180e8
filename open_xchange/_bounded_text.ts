/** Reads the body of an answer, up to a limit. */

/**
 * Returns the text of a response; `undefined` where it is longer than `maxBytes`, and the rest is
 * then not read.
 */
export async function boundedText(
  response: Response,
  maxBytes: number,
): Promise<string | undefined> {
  if (response.body === null) return "";
  const decoder = new TextDecoder();
  let text = "";
  let bytes = 0;
  for await (const chunk of response.body) {
    bytes += chunk.byteLength;
    if (bytes > maxBytes) return undefined;
    text += decoder.decode(chunk, { stream: true });
  }
  return text + decoder.decode();
}
