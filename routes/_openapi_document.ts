/**
 * Makes `/openapi.json` from the descriptions of all routes: adds what holds for the whole API, and
 * examples of bodies that have none of their own. Linters and generators of clients read the result.
 */

import { VERSION } from "../core/version.ts";
import type { App } from "./_openapi.ts";
import { exampleOf, type ExampleSchema } from "./_openapi_example.ts";

const TAGS: Readonly<Record<string, string>> = {
  Notifications: "Publish, and read what became of it",
  Subscriptions: "Which devices of a user get which topics",
  Receiving: "Open connections of a user without Socket.IO",
  "Web Push": "What a page needs to subscribe its browser",
  Inbox: "What a user was sent lately, and what was read of it",
  Sessions: "Tokens with which one user opens sockets and subscribes",
  "API keys": "Credentials of publishers and operators",
  Configuration: "Settings of contexts and users, and why a notification is sent or not",
  "Events": "What webhooks tell publishers, to be read again",
  "Groups": "Named groups of users, as audiences",
  "Dead letters": "Messages that were given up",
  Operations: "For those who watch and run the service",
  "Open-Xchange": "The API of Open-Xchange's own service",
};

type Content = Readonly<
  Record<string, { readonly schema: ExampleSchema; readonly examples?: unknown; example?: unknown }>
>;

interface Operation {
  readonly tags?: readonly string[];
  readonly requestBody?: { readonly content: Content };
  readonly responses: Readonly<Record<string, { readonly content?: Content }>>;
}

/** Returns the OpenAPI document of an app, as a value for `JSON.stringify`. */
export function openApiDocument(app: App): unknown {
  app.openAPIRegistry.registerComponent("securitySchemes", "bearer", {
    type: "http",
    scheme: "bearer",
    description: "An API key, a JWT of the configured issuer, or a user's session token",
  });
  app.openAPIRegistry.registerComponent("securitySchemes", "webhook", {
    type: "apiKey",
    in: "header",
    name: "Authorization",
    description: "The `webhookSecret` of the middleware's `webhooks.yml`, as it stands there",
  });
  const document = app.getOpenAPI31Document({
    openapi: "3.1.0",
    info: {
      title: "Carillon",
      version: VERSION,
      description: "Push notifications: one publish reaches every browser and device of a user.",
      license: { name: "MIT", url: "https://spdx.org/licenses/MIT.html" },
    },
    // The service that the document was read from.
    servers: [{ url: "/" }],
  });
  const paths = (document.paths ?? {}) as unknown as Record<string, Record<string, Operation>>;
  const named = (document.components?.schemas ?? {}) as Record<string, ExampleSchema>;
  const used = new Set<string>();
  for (const { tags = [], requestBody, responses } of Object.values(paths).flatMap(Object.values)) {
    for (const { content = {} } of [requestBody ?? {}, ...Object.values(responses)]) {
      for (const media of Object.values(content as Content)) {
        if (!media.examples) media.example ??= exampleOf(media.schema, named);
      }
    }
    for (const tag of tags) used.add(tag);
  }
  const tags = [...used].map((name) => ({ name, ...(TAGS[name] && { description: TAGS[name] }) }));
  return { ...document, tags };
}
