/** A peer that opens a WebSocket and then neither reads nor answers. */

const UPGRADE = [
  "Upgrade: websocket",
  "Connection: Upgrade",
  "Sec-WebSocket-Version: 13",
  "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
];
const PATH = "/socket.io/appsuite/?EIO=3&transport=websocket";

/** Opens a connection whose peer never reads; resolves when its request is sent. */
export async function connectDeaf(
  host: string,
  session: string,
  path = PATH,
): Promise<Deno.TcpConn> {
  const [hostname, port] = host.split(":");
  const connection = await Deno.connect({ hostname: hostname!, port: Number(port) });
  const lines = [
    `GET ${path}&session=${session} HTTP/1.1`,
    `Host: ${host}`,
    ...path.startsWith("/v1/stream") ? [] : UPGRADE,
  ];
  await connection.write(new TextEncoder().encode(`${lines.join("\r\n")}\r\n\r\n`));
  return connection;
}
