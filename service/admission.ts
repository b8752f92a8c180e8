/** Whether somebody may open a socket: a session that holds, of a user who may have sockets. */

import type { Authenticate } from "../auth/mod.ts";
import type { Cascade } from "../cascade/mod.ts";
import { ServiceError } from "../core/errors.ts";
import type { Admission, Handshake } from "../realtime/mod.ts";

/** See the file's comment. */
export function createAdmission(
  { authenticate, cascade }: { readonly authenticate: Authenticate; readonly cascade: Cascade },
): (handshake: Handshake) => Promise<Admission> {
  return async ({ credential }) => {
    try {
      const { user: session } = await authenticate(credential);
      if (!session) {
        const message = "A user's session is needed, and this is an API key";
        return { refusal: { code: "forbidden", message } };
      }
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
