import assert from "node:assert/strict";
import { startMiddleware } from "../../simulator/middleware/mod.ts";

const WEBHOOK = { id: "switchboard", uri: "http://127.0.0.1:1/", webhookSecret: "s" };

async function json(response: Response) {
  const text = await response.text();
  return text === "" ? undefined : JSON.parse(text);
}

Deno.test("the mock middleware logs in, knows its sessions, and logs out", async () => {
  await using mock = startMiddleware({ fetch, webhook: WEBHOOK });
  const login = await fetch(`${mock.origin}/appsuite/api/login?action=login`, {
    method: "POST",
    body: new URLSearchParams({ name: "user3@1", password: "x" }),
  });
  const cookies = login.headers.getSetCookie().map((cookie) => cookie.split(";")[0]).join("; ");
  const { session, user_id: user } = await json(login);
  assert.equal(user, 3);
  const ask = async (path: string, headers: Record<string, string>) =>
    await json(await fetch(`${mock.url}/${path}&session=${session}`, { headers }));
  const { data } = await ask("system?action=whoami", { cookie: cookies });
  assert.deepEqual([data.user_id, data.context_id], [3, 1]);
  assert.equal((await ask("system?action=whoami", {})).code, "SES-0203");
  await ask("login?action=logout", { cookie: cookies });
  assert.equal((await ask("system?action=whoami", { cookie: cookies })).code, "SES-0203");
});

Deno.test("the mock middleware does what its own API is told", async () => {
  const got: string[] = [];
  await using mock = startMiddleware({
    webhook: WEBHOOK,
    fetch(_url, init) {
      got.push(String(init?.body));
      return Promise.resolve(new Response(null, { status: 404 }));
    },
  });
  const act = async (path: string, body: unknown = {}) =>
    await json(
      await fetch(`${mock.origin}/control/${path}`, { method: "POST", body: JSON.stringify(body) }),
    );
  const { session } = await act("login", { user: 7 });
  mock.accounts.subscribe({
    ...{ context: 1, user: 7, client: "switchboard", topics: ["ox:mail:*"], expires: 0 },
  });
  assert.deepEqual(await act("event", { user: 7 }), { statuses: [404] });
  const { event, payload } = JSON.parse(got[0]!);
  assert.deepEqual([event, payload.user], ["ox:mail:new", 7]);
  // As the original does, it forgets a subscription whose receiver answers 404.
  assert.deepEqual(await act("event", { user: 7 }), { statuses: [] });
  assert.deepEqual(await act("repeat"), { status: 404 });
  assert.deepEqual(await act("logout", { session }), { ended: true });
  await act("fault", { fault: "error" });
  assert.equal((await fetch(`${mock.url}/system?action=whoami`)).status, 500);
  assert.match((await act("fault", { fault: "moody" })).error, /fault/);
  const state = await json(await fetch(`${mock.origin}/control/state`));
  assert.equal(state.fault, "error");
});

Deno.test("the command starts a mock middleware and prints the settings that go with it", async () => {
  const command = new Deno.Command(Deno.execPath(), {
    args: ["run", "--no-prompt", "--no-check", "--allow-net", "simulator/middleware_main.ts"]
      .concat("--port", "0", "--secret", "a-secret"),
    cwd: new URL("../..", import.meta.url),
    stdout: "piped",
  });
  await using child = command.spawn();
  const lines = child.stdout.pipeThrough(new TextDecoderStream());
  let text = "";
  for await (const chunk of lines) {
    text += chunk;
    if (text.includes("A fault:")) break;
  }
  const [, url] = /middleware\.url=(\S+)/.exec(text) ?? [];
  assert.match(text, /webhook\.secrets=a-secret/);
  const answer = await json(await fetch(`${url}/system?action=whoami&session=none`));
  assert.equal(answer.code, "SES-0203");
});
