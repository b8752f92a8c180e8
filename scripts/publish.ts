// deno-lint-ignore-file no-console -- a command answers on the terminal
/**
 * Publishes the "new mail" example to a user and prints its outcome:
 * `deno task publish [user] [context]`, with an API key in `CARILLON_KEY`.
 */

const [user = "3", context = "1"] = Deno.args;
const address = Deno.env.get("CARILLON_URL") ?? "http://localhost:8080";
const key = Deno.env.get("CARILLON_KEY");
if (!key) {
  console.error("Set CARILLON_KEY to an API key with scope 'publish'.");
  Deno.exit(2);
}
const headers = { "authorization": `Bearer ${key}`, "content-type": "application/json" };

const response = await fetch(`${address}/v1/notifications`, {
  method: "POST",
  headers,
  body: JSON.stringify({
    context,
    user,
    topic: "ox:mail:new",
    data: {
      folder: "default0/INBOX",
      id: String(Date.now() % 100_000),
      email: "jane.doe@foobar.com",
      displayname: "Jane Doe",
      subject: "Let's meet",
      unread: 83,
      teaser: "Hello",
    },
  }),
});
if (response.status !== 202) {
  console.error(`Not accepted: ${response.status} ${await response.text()}`);
  Deno.exit(1);
}
const { ids: [id] } = await response.json();
console.log(`accepted as ${id}`);

for (;;) {
  const found = await fetch(`${address}/v1/notifications/${id}`, { headers });
  if (!found.ok) break; // The key may lack the scope `read`.
  const record = await found.json();
  if (record.state !== "in_flight") {
    console.log(JSON.stringify(record, null, 2));
    break;
  }
  await new Promise((resolve) => setTimeout(resolve, 250));
}
