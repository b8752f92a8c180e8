/** `publish`: publishes one notification and waits until its outcome is known. */

import { sleep } from "../../core/clock.ts";
import { type Input, isSet, textOption } from "../definition.ts";
import type { CliDeps } from "../deps.ts";
import { CliError } from "../exit_codes.ts";
import { safeJson } from "../safe_text.ts";
import { openApi } from "../service_api.ts";

const POLL_MS = 250;

/** The "new mail" example of the App Suite. */
function newMail(now: number) {
  return {
    folder: "default0/INBOX",
    id: String(now % 100_000),
    email: "jane.doe@foobar.com",
    displayname: "Jane Doe",
    subject: "Let's meet",
    unread: 83,
    teaser: "Hello",
  };
}

/** Publishes; fails where the service does not accept it. */
export default async function run(input: Input, deps: CliDeps): Promise<void> {
  const { output, clock, signal } = deps;
  // Before the key is asked for, which would be read from the same pipe.
  const data = await dataOf(input, deps);
  const api = await openApi(input, deps);
  const body = {
    context: input.args.context,
    user: input.args.user,
    topic: textOption(input, "topic"),
    data,
    priority: textOption(input, "priority"),
    ...numberOption(input, "ttl"),
    ...textField(input, "collapse-key", "collapseKey"),
  };
  const headers = {
    ...textField(input, "idempotency-key", "idempotency-key"),
    ...textField(input, "traceparent", "traceparent"),
  };
  const { ids: [id] } = await api.call("POST", "/v1/notifications", { body, headers });
  const isLast = isSet(input, "no-wait");
  if (isLast || !output.isJson) output.result({ id }, `accepted as ${id}`);
  if (isLast) return;
  for (;;) {
    const record = await api.call("GET", `/v1/notifications/${id}`).catch((thrown) => {
      // The key may publish, but not read.
      if (thrown instanceof CliError && thrown.exit === "refused") return undefined;
      throw thrown;
    });
    if (record === undefined) return output.isJson ? output.result({ id }, "") : undefined;
    if (record.state !== "in_flight") return output.result(record, safeJson(record, 2));
    output.progress(`${id} is in flight …`);
    await sleep(clock, POLL_MS, signal);
  }
}

async function dataOf(input: Input, { clock, readSecret }: CliDeps): Promise<unknown> {
  const given = textOption(input, "data");
  if (given === undefined) return newMail(clock.now());
  const text = given === "-" ? await readSecret("data: ") ?? "" : given;
  try {
    const value = JSON.parse(text);
    if (typeof value === "object" && value !== null && !Array.isArray(value)) return value;
  } catch {
    // said below
  }
  throw new CliError("usage", "--data must be a JSON object");
}

function numberOption(input: Input, name: string): Record<string, number> {
  const text = textOption(input, name);
  if (text === undefined) return {};
  if (!/^\d{1,9}$/.test(text)) throw new CliError("usage", `--${name} must be a whole number`);
  return { [name]: Number(text) };
}

function textField(input: Input, option: string, field: string): Record<string, string> {
  const text = textOption(input, option);
  return text === undefined ? {} : { [field]: text };
}
