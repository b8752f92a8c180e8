/**
 * The stage that loads credentials: API keys, sessions, and JWTs where they are configured. It also
 * decides who may open a socket. The rules of each kind of credential are in `auth/`.
 */

import {
  ApiKeys,
  type Authenticate,
  createAuthenticator,
  createJwtVerifier,
  isApiKeyShaped,
  type JwtVerifier,
  Sessions,
  type SessionsElsewhere,
} from "../auth/mod.ts";
import type { Cascade, Settings } from "../cascade/mod.ts";
import type { Clock } from "../core/clock.ts";
import { ServiceError } from "../core/errors.ts";
import type { Admission, Handshake } from "../realtime/mod.ts";
import type { Foundation } from "./foundation.ts";

/** The stores of credentials and the function that checks one. */
export interface Authentication {
  readonly keys: ApiKeys;
  readonly sessions: Sessions;
  readonly authenticate: Authenticate;
}

/**
 * Loads the API keys and prepares the checks of all kinds of credentials.
 *
 * @throws {ServiceError} `invalid_configuration` where a secret or an address is unusable,
 * `store_unavailable`
 */
export async function loadAuthentication(
  { backend: { store }, clock, environment, cascade, changes }: Foundation,
  elsewhere: SessionsElsewhere,
): Promise<Authentication> {
  const { adminKey, sessionSecret } = environment;
  const onChanged = changes.publish;
  const keys = await ApiKeys.load({
    ...{ store, clock, onChanged },
    ...(adminKey !== undefined && { adminKey }),
  });
  const sessions = new Sessions({ store, clock, onChanged });
  const jwt = jwtVerifier(cascade.current().settings, { clock, secret: sessionSecret });
  const authenticate = createAuthenticator({ keys, sessions, elsewhere, ...(jwt && { jwt }) });
  return { keys, sessions, authenticate };
}

/** Returns undefined where neither a shared secret nor published keys are configured. */
function jwtVerifier(
  { jwt }: Settings,
  { clock, secret }: { readonly clock: Clock; readonly secret: string | undefined },
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

const NO_SESSION = "A user's session is needed, and this is an API key or a publisher's token";
const KEY_IN_QUERY = "The query takes a user's session only: an API key belongs in the header " +
  "'Authorization: Bearer …' of requests to the API";

/**
 * Returns the function that admits or refuses a socket handshake. It admits a valid session of a
 * user for whom sockets are enabled.
 */
export function createAdmission(
  { authenticate, cascade }: { readonly authenticate: Authenticate; readonly cascade: Cascade },
): (handshake: Handshake) => Promise<Admission> {
  return async ({ credential, isInQuery, headers }) => {
    const noSession: Admission = {
      refusal: { code: "forbidden", message: isInQuery ? KEY_IN_QUERY : NO_SESSION },
    };
    // Refused before the key is checked: valid or not, proxies have logged it with the URL.
    if (isInQuery && isApiKeyShaped(credential)) return noSession;
    try {
      const { user: session } = await authenticate(credential, headers);
      if (!session) return noSession;
      const view = await cascade.current().view(session.context, session.user);
      if (!view.get("com.openexchange.websockets.enabled")) {
        return { refusal: { code: "forbidden", message: "Sockets are not enabled for this user" } };
      }
      return { identity: session };
    } catch (thrown) {
      if (!(thrown instanceof ServiceError)) throw thrown;
      const { code, message, retryAfterSeconds } = thrown;
      return {
        refusal: { code, message, ...(retryAfterSeconds !== undefined && { retryAfterSeconds }) },
      };
    }
  };
}
