/** Turns the request of a WebSocket handshake into a WebSocket, by the listener or by the runtime. */

import type { RequestInfo, TakenHandshake } from "./port.ts";

interface UpgradeOptions extends TakenHandshake {
  readonly info: RequestInfo;
  /** Seconds; the runtime's keep-alive. 0: none. */
  readonly idleTimeout: number;
}

/**
 * Returns the answer to a handshake, or undefined where its headers are missing or wrong. The socket
 * is given to `onOpen` once it is open.
 */
export function upgradeSocket(
  request: Request,
  { info, idleTimeout, maxMessageBytes, onOpen }: UpgradeOptions,
): Response | undefined {
  if (info.upgrade) {
    return info.upgrade({ maxMessageBytes, onOpen }) ? new Response(null) : undefined;
  }
  try {
    const { socket, response } = Deno.upgradeWebSocket(request, { idleTimeout });
    socket.addEventListener("open", () => onOpen(socket), { once: true });
    return response;
  } catch {
    return undefined;
  }
}
