/** `listen`: opens a Socket.IO socket of a user and prints each event as one line. */

import { io } from "socket.io-client";
import { type Input, textOption } from "../definition.ts";
import type { CliDeps } from "../deps.ts";
import { CliError } from "../exit_codes.ts";
import { safeJson } from "../safe_text.ts";
import { openApi } from "../service_api.ts";

/** Listens until `--count` events have come, or until Ctrl-C. */
export default async function run(input: Input, deps: CliDeps): Promise<void> {
  const { output, signal } = deps;
  const { user, context } = input.args;
  const count = textOption(input, "count");
  if (count !== undefined && !/^[1-9]\d{0,8}$/.test(count)) {
    throw new CliError("usage", "--count must be a whole number from 1");
  }
  const api = await openApi(input, deps);
  const { token } = await api.call("POST", "/v1/sessions", { body: { context, user } });
  const client = textOption(input, "client");
  const done = Promise.withResolvers<void>();
  const socket = io(api.address, {
    path: "/socket.io/appsuite/",
    query: {
      session: token,
      connection: crypto.randomUUID(),
      ...client !== undefined && { client },
    },
  });
  let left = Number(count ?? Infinity);
  socket.on("connect", () => output.say(`listening as user ${user} of context ${context} …`));
  socket.on("connect_error", (error) => output.say(`cannot connect: ${error.message}`));
  socket.on("disconnect", (reason) => output.say(`disconnected: ${reason}`));
  socket.onAny((topic, ...args) => {
    // The last argument is the event's offset, which only the client library has a use for.
    const event = [topic, ...args.slice(0, -1)];
    output.line(event, safeJson(event));
    if (--left === 0) done.resolve();
  });
  signal.addEventListener("abort", () => done.resolve(), { once: true });
  await done.promise;
  socket.close();
}
