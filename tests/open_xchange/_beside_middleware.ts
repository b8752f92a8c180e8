/** A service and a mock middleware that know each other, for tests of both. */

import { type MockMiddleware, startMiddleware } from "../../simulator/middleware/mod.ts";
import { propertiesText } from "../support/configuration.ts";
import { startTestService, type TestService } from "../support/start_service.ts";
import type { EtcFiles } from "./_synthetic_etc.ts";

/** The `webhookSecret` of the middleware. */
export const SECRET = "Bearer the-secret-of-the-middleware";
/** Its `signatureSecret`. */
export const SIGNATURE_SECRET = "da39a3ee5e6b4b";

/** Both, running. */
export interface Pair extends AsyncDisposable {
  readonly service: TestService;
  readonly middleware: MockMiddleware;
}

/** The browser of a user. */
export const BROWSER = "Mozilla/5.0 (test)";

/** Starts both; the service's settings are those that the documentation has an operator make. */
export async function startPair(
  { properties = {}, files = {}, etc }: {
    readonly properties?: Readonly<Record<string, string | number | boolean>>;
    readonly files?: Readonly<Record<string, string>>;
    /** The folder of an installation, to which the settings are added as `carillon.properties`. */
    readonly etc?: EtcFiles;
  } = {},
): Promise<Pair> {
  await using opened = new AsyncDisposableStack();
  const middleware = opened.use(startMiddleware({
    fetch,
    webhook: {
      ...{ id: "switchboard", uri: "http://127.0.0.1:1/" },
      ...{ webhookSecret: SECRET, signatureSecret: SIGNATURE_SECRET },
    },
  }));
  const settings = {
    "io.carillon.openxchange.webhook.secrets": SECRET,
    "io.carillon.openxchange.webhook.signatureSecrets": SIGNATURE_SECRET,
    "io.carillon.openxchange.middleware.url": middleware.url,
    ...properties,
  };
  const service = opened.use(
    await startTestService(
      etc
        ? { etc: { ...etc, "carillon.properties": propertiesText(settings) } }
        : { properties: settings, files },
    ),
  );
  middleware.webhook = {
    ...middleware.webhook,
    uri: `${service.address}/v1/open-xchange/webhook`,
  };
  const life = opened.move();
  return { service, middleware, [Symbol.asyncDispose]: () => life.disposeAsync() };
}

/** Has the middleware know that a user's webhooks are wanted, as the App Suite's subscribe does. */
export function subscribed(middleware: MockMiddleware, { context = 1, user = 3 } = {}): void {
  const topics = ["ox:mail:new", "ox:calendar:updates", "ox:*"];
  middleware.accounts.subscribe({ context, user, client: "switchboard", topics, expires: 0 });
}

/** The "new mail" of these tests. */
export const MAIL = {
  ...{ context: 1, user: 3, event: "ox:mail:new" },
  data: { folder: "default0/INBOX", id: "113", subject: "Let's meet", unread: 83 },
} as const;
