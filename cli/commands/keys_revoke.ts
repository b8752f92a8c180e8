/** `keys revoke`: revokes an API key by its id. */

import type { Input } from "../definition.ts";
import type { CliDeps } from "../deps.ts";
import { openApi } from "../service_api.ts";

/** Revokes it, at once and at every node. */
export default async function run(input: Input, deps: CliDeps): Promise<void> {
  const id = input.args.id!;
  await (await openApi(input, deps)).call("DELETE", `/v1/keys/${encodeURIComponent(id)}`);
  deps.output.result({ revoked: id }, `revoked ${id}`);
}
