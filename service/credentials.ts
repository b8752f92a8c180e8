/** Everything that a credential is checked with: API keys, sessions, and JWTs where configured. */

import {
  ApiKeys,
  type Authenticate,
  createAuthenticator,
  createJwtVerifier,
  type JwtVerifier,
  Sessions,
  type SessionsElsewhere,
} from "../auth/mod.ts";
import type { Settings } from "../cascade/mod.ts";
import type { Change } from "../core/change_feed.ts";
import type { Clock } from "../core/clock.ts";
import type { Store } from "../core/store.ts";
import type { Environment } from "./environment.ts";

/** What credentials are checked with. */
export interface AuthenticationParts {
  readonly keys: ApiKeys;
  readonly sessions: Sessions;
  readonly authenticate: Authenticate;
}

/** @throws {ServiceError} `invalid_configuration` where a secret or an address is of no use. */
export async function loadCredentials(
  store: Store,
  { clock, environment, settings, fetch, onChanged, elsewhere }: {
    readonly clock: Clock;
    readonly environment: Environment;
    readonly settings: Settings;
    readonly fetch: typeof globalThis.fetch;
    readonly onChanged: (change: Change) => void;
    readonly elsewhere: SessionsElsewhere;
  },
): Promise<AuthenticationParts> {
  const { adminKey, sessionSecret } = environment;
  const keys = await ApiKeys.load({
    ...{ store, clock, onChanged },
    ...(adminKey !== undefined && { adminKey }),
  });
  const sessions = new Sessions({ store, clock, onChanged });
  const jwt = jwtVerifier(settings, { clock, fetch, secret: sessionSecret });
  const authenticate = createAuthenticator({ keys, sessions, elsewhere, ...(jwt && { jwt }) });
  return { keys, sessions, authenticate };
}

/** Undefined where neither a shared secret nor published keys are configured. */
function jwtVerifier(
  { jwt }: Settings,
  { clock, fetch, secret }: {
    readonly clock: Clock;
    readonly fetch: typeof globalThis.fetch;
    readonly secret: string | undefined;
  },
): JwtVerifier | undefined {
  if (secret === undefined && jwt.jwksUrl === "") return undefined;
  return createJwtVerifier({
    ...{ clock, fetch },
    ...(secret !== undefined && { secret }),
    ...(jwt.jwksUrl !== "" && { jwksUrl: jwt.jwksUrl }),
    ...(jwt.issuer !== "" && { issuer: jwt.issuer }),
    ...(jwt.audience !== "" && { audience: jwt.audience }),
  });
}
