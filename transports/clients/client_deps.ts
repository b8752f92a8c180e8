/** Dependencies of the clients that send with the runtime's `fetch`. */

import type { Clock } from "../../core/clock.ts";
import type { SharedTokens } from "../../core/shared_tokens.ts";
import type { FileAccess } from "./config_files.ts";

/** Dependencies of a transport and of its clients. */
export interface ClientDeps extends FileAccess {
  readonly clock: Clock;
  readonly fetch: typeof fetch;
  /** Where nodes share access tokens. Absent: this node requests its own. */
  readonly sharedTokens?: SharedTokens;
}
