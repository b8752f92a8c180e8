/** The floor of a publish: a handler that checks the key, parses the JSON and answers. */

const KEY = `Bearer ${Deno.env.get("PUBLISH_KEY")}`;
const encoder = new TextEncoder();

Deno.serve({
  port: 0,
  hostname: "127.0.0.1",
  onListen: ({ port }) => void Deno.stdout.writeSync(encoder.encode(`${port}\n`)),
}, async (request) => {
  if (request.headers.get("authorization") !== KEY) return new Response(null, { status: 401 });
  const { user } = await request.json();
  if (user === undefined) return new Response(null, { status: 400 });
  return Response.json({ ids: ["01a21cd2-c8a3-739c-a768-003ef2939d18"] }, { status: 202 });
});
