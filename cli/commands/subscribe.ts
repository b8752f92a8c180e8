/** `subscribe`: subscribes a device whose address comes from the environment or a prompt. */

import { type Input, isSet, textOption, textOptions } from "../definition.ts";
import type { CliDeps } from "../deps.ts";
import { CliError, type Exit } from "../exit_codes.ts";
import { safeJson } from "../safe_text.ts";
import { openApi } from "../service_api.ts";

/** Subscribes, and tries it out where that was asked for. */
export default async function run(input: Input, deps: CliDeps): Promise<Exit> {
  const { output, variables, readSecret } = deps;
  const client = textOption(input, "client");
  const transport = textOption(input, "transport");
  if (!client || !transport) throw new CliError("usage", "Give --client and --transport");
  // Before the key is asked for, which would be read from the same pipe.
  const address = variables.CARILLON_ADDRESS || await readSecret("device address: ");
  if (!address) throw new CliError("usage", "Set CARILLON_ADDRESS to the address of the device");
  const api = await openApi(input, deps);
  const topics = textOptions(input, "topic");
  const body = {
    ...{ context: input.args.context, user: input.args.user, client, transport },
    token: tokenOf(address),
    topics: topics.length > 0 ? topics : ["*"],
  };
  const made = await api.call("POST", "/v1/subscriptions", { body });
  if (!isSet(input, "test")) {
    output.result(made, safeJson(made, 2));
    return "ok";
  }
  const outcome = await api.call("POST", `/v1/subscriptions/${made.id}/test`);
  output.result({ ...made, test: outcome }, `${safeJson(made, 2)}\ntest: ${safeJson(outcome)}`);
  return outcome.outcome === "sent" ? "ok" : "failed";
}

/** A push subscription is an object, as the browser gives it; all other addresses are texts. */
function tokenOf(address: string): unknown {
  if (!address.startsWith("{")) return address;
  try {
    return JSON.parse(address);
  } catch {
    throw new CliError("usage", "The address begins with { but is no JSON");
  }
}
