/** Where the service keeps the attributes of a context or of one of its users. */

import { type Input, textOption } from "./definition.ts";

/** The path below the service's address; `undefined` where no context is named. */
export function attributesPath(input: Input): string | undefined {
  const context = textOption(input, "context");
  const user = textOption(input, "user");
  if (context === undefined) return undefined;
  const ofContext = `/v1/contexts/${encodeURIComponent(context)}`;
  return user === undefined
    ? `${ofContext}/config`
    : `${ofContext}/users/${encodeURIComponent(user)}/config`;
}
