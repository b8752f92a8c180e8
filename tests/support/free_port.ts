const FIRST = 10_000;
const COUNT = 12_000;

/** Given before, by this process: a server that is about to start does not listen yet. */
const given = new Set<number>();

/**
 * A loopback port that was just free and was not given out before. It is below those
 * that the kernel gives to outgoing connections, one of which could take it before a server is
 * started, or started again.
 */
export function freePort(): number {
  for (;;) {
    const port = FIRST + Math.floor(Math.random() * COUNT);
    if (given.has(port)) continue;
    try {
      using _listener = Deno.listen({ hostname: "127.0.0.1", port });
      given.add(port);
      return port;
    } catch (thrown) {
      if (!(thrown instanceof Deno.errors.AddrInUse)) throw thrown;
    }
  }
}
