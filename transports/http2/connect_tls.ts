/** Opens the sockets that HTTP/2 is spoken over. */

/** What this needs of the runtime. */
export type TlsRuntime = Pick<typeof Deno, "connect" | "startTls" | "connectTls">;

/** Whom to call. */
interface TlsTarget {
  readonly hostname: string;
  readonly port: number;
  /** Authorities to trust besides the usual ones, in PEM. */
  readonly caCerts: readonly string[];
  /** The client's certificate and its key, in PEM. */
  readonly certificate?: { readonly cert: string; readonly key: string };
  /** Ends the attempt to connect. */
  readonly signal: AbortSignal;
}

/**
 * A TLS connection that offers HTTP/2. Small writes leave at once (TCP_NODELAY), except with a client's certificate,
 * where the runtime does not let the two be combined (2.9.6).
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
