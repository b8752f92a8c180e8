/** A TCP proxy that breaks connections as a mobile network does: all at once, or after a silence. */

/** Stands between clients and a server. */
export interface ChoppingProxy extends AsyncDisposable {
  /** E.g. `127.0.0.1:12345`. */
  readonly host: string;
  /** Where new connections lead; `undefined`: nowhere. */
  target: string | undefined;
  /** Ends every connection, at once and in both directions. */
  chop(): void;
  /** From now on nothing that the server sends arrives, until the next {@link chop}. */
  swallow(): void;
  /** From now on the server does not hear of it when one of the clients that are there goes. */
  keep(): void;
}

/** Forwards whatever comes to `target`, e.g. `127.0.0.1:12346`. */
export function chop(target: string): ChoppingProxy {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const open = new Set<Deno.TcpConn>();
  const kept = new WeakSet<Deno.TcpConn>();
  let swallowing = false;

  async function accept() {
    for await (const client of listener) void forward(client);
  }

  async function forward(client: Deno.TcpConn) {
    open.add(client);
    const [hostname, port] = proxy.target?.split(":") ?? [];
    if (hostname === undefined) return close(client);
    let server: Deno.TcpConn;
    try {
      server = await Deno.connect({ hostname, port: Number(port) });
    } catch {
      // A server that is not there (yet).
      return close(client);
    }
    open.add(server);
    await Promise.race([pump(client, server, () => false), pump(server, client, () => swallowing)]);
    close(client);
    if (!kept.has(client)) close(server);
  }

  function close(connection: Deno.TcpConn) {
    if (!open.delete(connection)) return;
    try {
      connection.close();
    } catch {
      // Gone already.
    }
  }

  const accepting = accept();
  const proxy: ChoppingProxy = {
    target,
    host: `127.0.0.1:${listener.addr.port}`,
    chop() {
      swallowing = false;
      for (const connection of [...open]) close(connection);
    },
    swallow() {
      swallowing = true;
    },
    keep() {
      for (const connection of open) kept.add(connection);
    },
    async [Symbol.asyncDispose]() {
      listener.close();
      for (const connection of [...open]) close(connection);
      await accepting.catch(() => {});
    },
  };
  return proxy;
}

/** Carries bytes until one end is gone. */
async function pump(from: Deno.TcpConn, to: Deno.TcpConn, isLost: () => boolean): Promise<void> {
  const buffer = new Uint8Array(64 * 1024);
  try {
    for (;;) {
      const count = await from.read(buffer);
      if (count === null) return;
      if (isLost()) continue;
      for (let at = 0; at < count;) at += await to.write(buffer.subarray(at, count));
    }
  } catch {
    // Chopped.
  }
}
