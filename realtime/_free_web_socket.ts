/**
 * Takes a WebSocket's TCP connection away from the runtime. Deno 2.9 offers nothing for it, so this
 * reaches for what Deno itself calls when an idle peer leaves a ping unanswered. Where another
 * version has these members no more, nothing happens and the caller is told.
 */

interface Runtime {
  readonly internal: symbol;
  readonly [internal: symbol]: {
    readonly core?: { tryClose?(resource: number): void };
  } | undefined;
}

const { internal } = Deno as unknown as Runtime;

/** Frees the connection at once, without a word to the peer; false where that cannot be done. */
export function freeWebSocket(socket: WebSocket): boolean {
  const core = (Deno as unknown as Runtime)[internal]?.core;
  const key = Object.getOwnPropertySymbols(socket).find((each) => each.description === "[[rid]]");
  const resource: unknown = key && Reflect.get(socket, key);
  if (typeof core?.tryClose !== "function" || typeof resource !== "number") return false;
  core.tryClose(resource);
  return true;
}
