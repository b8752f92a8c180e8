/** Turns a request of Node's `http` into the `Request` that the service answers. */

import type { IncomingMessage } from "node:http";

/** Returns the request; undefined where its address or a header is none. */
export function requestOf(incoming: IncomingMessage, signal?: AbortSignal): Request | undefined {
  const { method = "GET", url = "", rawHeaders } = incoming;
  try {
    const headers = new Headers();
    for (let at = 0; at + 1 < rawHeaders.length; at += 2) {
      headers.append(rawHeaders[at]!, rawHeaders[at + 1]!);
    }
    const init: RequestInit & { duplex?: "half" } = { method, headers, ...(signal && { signal }) };
    if (mayHaveBody(incoming)) Object.assign(init, { body: bodyOf(incoming), duplex: "half" });
    return new Request(new URL(url, "http://localhost"), init);
  } catch {
    return undefined;
  }
}

/** Whether a part of the body has not been read, so that no other request can follow. */
export function hasUnreadBody(incoming: IncomingMessage): boolean {
  return mayHaveBody(incoming) && !incoming.complete;
}

function mayHaveBody({ method }: IncomingMessage): boolean {
  return method !== "GET" && method !== "HEAD";
}

/** To cancel it must not end the connection, which is still to carry the answer. */
function bodyOf(incoming: IncomingMessage): ReadableStream<Uint8Array> {
  return ReadableStream.from(incoming.iterator({ destroyOnReturn: false }));
}
