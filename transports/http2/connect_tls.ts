/** Opens TLS connections for HTTP/2. */

/** The functions of the runtime that this needs. */
export type TlsRuntime = Pick<typeof Deno, "connect" | "startTls" | "connectTls">;

interface TlsTarget {
  readonly hostname: string;
  readonly port: number;
  /** Certificate authorities to trust in addition to the default ones, in PEM. */
  readonly caCerts: readonly string[];
  /** The client's certificate and its key, in PEM. */
  readonly certificate?: { readonly cert: string; readonly key: string };
  /** Aborts the attempt to connect. */
  readonly signal: AbortSignal;
}

/**
 * Opens a TLS connection that offers HTTP/2. TCP_NODELAY is set, except with a client certificate:
 * the runtime (2.9.6) does not allow both.
 */
export async function connectTls(
  runtime: TlsRuntime,
  { hostname, port, caCerts, certificate, signal }: TlsTarget,
): Promise<Deno.TlsConn> {
  const options = { hostname, alpnProtocols: ["h2"], caCerts: [...caCerts] };
  if (certificate) return await runtime.connectTls({ ...options, ...certificate, port });
  const socket = await runtime.connect({ hostname, port, signal });
  try {
    socket.setNoDelay();
    return await runtime.startTls(socket, options);
  } catch (error) {
    closeQuietly(socket);
    throw error;
  }
}

/** A socket that TLS has taken over cannot be closed, and need not be. */
function closeQuietly(socket: Deno.TcpConn): void {
  try {
    socket.close();
  } catch { /* taken over */ }
}
