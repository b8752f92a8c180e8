// deno-lint-ignore-file no-console -- a process of the benchmark talks by its output
/**
 * A push service that answers 201 to everything, over the TLS versions of both sides. Prints its
 * port.
 */

const { cert, key } = JSON.parse(await Deno.readTextFile(Deno.env.get("PUSH_PEER_PAIR")!));
const server = Deno.serve({
  ...{ cert, key, port: 0, hostname: "127.0.0.1" },
  onListen() {},
  async handler(request) {
    await request.arrayBuffer();
    return new Response(null, { status: 201 });
  },
});
console.log(server.addr.port);
