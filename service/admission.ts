/** Whether somebody may open a socket: a session that holds, of a user who may have sockets. */

import { type Authenticate, isApiKeyShaped } from "../auth/mod.ts";
import type { Cascade } from "../cascade/mod.ts";
import { ServiceError } from "../core/errors.ts";
import type { Admission, Handshake } from "../realtime/mod.ts";

const NO_SESSION = "A user's session is needed, and this is an API key or a publisher's token";
const KEY_IN_QUERY = "The query takes a user's session only: an API key belongs in the header " +
  "'Authorization: Bearer …' of requests to the API";

/** Returns the function that decides whether somebody may open a socket. */
export function createAdmission(
  { authenticate, cascade }: { readonly authenticate: Authenticate; readonly cascade: Cascade },
): (handshake: Handshake) => Promise<Admission> {
  return async ({ credential, isInQuery, headers }) => {
    const noSession: Admission = {
      refusal: { code: "forbidden", message: isInQuery ? KEY_IN_QUERY : NO_SESSION },
    };
    // Before it is known whether it is valid: it is in the logs on its way either way.
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
