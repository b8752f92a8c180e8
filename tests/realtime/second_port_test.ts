/**
 * The same sentences at the second port, over Node's `http`: each test of these files runs once more,
 * and the first servers that it starts take listeners of that port.
 */

import { silentLog } from "../../core/log.ts";
import { listenForStreams } from "../../service/stream_listener.ts";
import { secondPorts } from "./_servers.ts";

const FILES = [
  "./acknowledgement_test.ts",
  "./admission_test.ts",
  "./drain_test.ts",
  "./engine_handshake_test.ts",
  "./engine_message_test.ts",
  "./engine_session_test.ts",
  "./fanout_test.ts",
  "./half_open_test.ts",
  "./json_socket_test.ts",
  "./origin_test.ts",
  "./reconnect_test.ts",
  "./recovery_test.ts",
  "./slow_peer_test.ts",
  "./slow_stream_test.ts",
  "./socketio_protocol_test.ts",
  "./stream_test.ts",
  "./unknown_session_test.ts",
  "../interop/resume_test.ts",
  "../interop/socketio_clients_test.ts",
];

/** Sentences about the runtime's WebSockets alone. */
const NOT_HERE = [
  "a connection for which the runtime holds data stays counted until the peer goes",
];

/** As many servers as a test starts at most. */
const SERVERS = 2;

type Run = (context: Deno.TestContext) => void | Promise<void>;

async function runHere(run: Run, context: Deno.TestContext): Promise<void> {
  await using opened = new AsyncDisposableStack();
  for (let n = 0; n < SERVERS; n++) {
    const port = await listenForStreams({ host: "127.0.0.1", port: 0, log: silentLog });
    secondPorts.push(opened.use(port));
  }
  try {
    await run(context);
  } finally {
    secondPorts.length = 0;
  }
}

const register = Deno.test;

function registerHere(name: string, ...rest: [Run] | [Partial<Deno.TestDefinition>, Run]): void {
  if (NOT_HERE.includes(name)) return;
  const run = rest.at(-1) as Run;
  const options = rest.length === 2 ? rest[0] as Partial<Deno.TestDefinition> : {};
  register(`${name} (second port)`, options, (context) => runHere(run, context));
}

Object.defineProperty(Deno, "test", { value: registerHere });
// With a query each file is loaded once more, for itself.
for (const file of FILES) await import(`${import.meta.resolve(file)}?second`);
Object.defineProperty(Deno, "test", { value: register });
