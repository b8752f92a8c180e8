/**
 * Generates `docs/configuration.md`: how the configuration is composed, and every key of the schema.
 * With `--check` it writes nothing and fails where the page is out of date.
 */

import { ENABLED_KEYS, schemaEntries, variableName } from "../cascade/mod.ts";
import { formatMarkdown, writeGenerated } from "./_generated.ts";

const INTRODUCTION = `# Configuration

Generated from the schema by \`deno task docs\`; do not edit.

Everything is read from one folder (\`CARILLON_CONFIG_DIR\`, \`./conf\` unless it is set):

| files                         | content                                                                |
| ----------------------------- | ---------------------------------------------------------------------- |
| \`*.properties\`, at any depth  | the server scope: \`key=value\`; the last one of repeated keys wins      |
| \`meta/*.yml\`                  | per property: a \`value\` that replaces the one above, a \`final\` scope   |
| \`contextSets/*.yml\`           | settings for everybody whose tags satisfy an expression                |
| \`pns-websocket-clients.yml\`   | which client a socket path belongs to, and which topics reach it       |
| \`pns-apns-options.yml\`        | credentials for APNs, client by client                                 |
| \`pns-gcm-options.yml\`         | credentials for GCM/FCM, client by client                              |
| \`pns-wns-options.yml\`         | credentials for WNS, client by client                                  |
| \`pns-webpush-options.yml\`     | VAPID keys for Web Push, client by client                              |
| \`webhooks.yml\`                | receivers of webhooks, by id                                           |
| \`pushClientConfig/*.yml\`      | clients of all transports, as the middleware from 8.x on has them      |
| \`pns-messages.yml\`            | texts of notifications per client, transport and topic                 |

The service watches the folder and reloads it after a change, as it does after \`SIGHUP\` and
\`POST /v1/admin/reload\`. A reload reads and checks everything. It takes effect as a whole, or it
changes nothing and reports each fault with file, line and column. A bad entry of an options file
disables only its client.

## Scopes

A key marked *every scope* can be set for users and contexts (attributes, through the admin API),
for context sets and for the server. \`com.openexchange.config.cascade.scopes\` sets the order in
which they are searched; the first scope that has the key decides. A property that is \`final\` in a scope (see
\`meta/\`) ignores the more specific ones. \`GET /v1/explain\` shows how a value was resolved.

A transport's \`enabled\` key can be followed by a client, and by a client and a topic:
\`….enabled.{client}.{topic}\` is looked up in all scopes first, then \`….enabled.{client}\`, then
\`….enabled\`. So a more specific name set for the server beats a less specific one set for a user. The
colons of the topic may be escaped or not:

\`\`\`properties
com.openexchange.pns.transport.websocket.enabled.open-xchange-appsuite.ox:mail:new=true
com.openexchange.pns.transport.websocket.enabled.open-xchange-appsuite.ox\\:calendar\\:new=false
\`\`\`

## Context sets

\`\`\`yaml
premium:
  withTags: premium & !(trial | 4711)
  addTags: mobile
  com.openexchange.pns.transport.apn.ios.enabled: true
\`\`\`

Tags of a user are the id and the name of its context, the context's attribute \`taxonomy/types\`, the
values of \`com.openexchange.config.cascade.types\`, the user's permissions (\`ucWebMail\`), and what
\`addTags\` of matching entries adds, until nothing new is added. \`!\` binds more tightly than \`&\`, and
\`&\` more tightly than \`|\`. Where several matching entries have a key, the first one wins, in order of
file and line.

## Environment

A variable named like a key, in upper case and with \`_\` for every other character, overrides the
files: \`${
  variableName("com.openexchange.pns.delayDuration")
}=3000\`. Names with a client or a topic have no
variable.

## Keys

Names of the original keep their meaning and default. A changed key takes effect *at once* after a
reload, or only *after a restart*.
`;

const page = INTRODUCTION + schemaEntries().map(section).join("");
await writeGenerated("docs/configuration.md", await formatMarkdown(page));

function section([key, spec]: ReturnType<typeof schemaEntries>[number]): string {
  const preset = spec.defaultFrom === undefined
    ? code(Array.isArray(spec.default) ? spec.default.join(", ") : String(spec.default))
    : `the value of \`${spec.defaultFrom}\``;
  const range = spec.range ? `, ${spec.range.join(" to ")}` : "";
  const choices = spec.choices ? ` of ${spec.choices.map(code).join(", ")}` : "";
  const facts = [
    `${spec.type}${choices}${spec.unit === undefined ? "" : ` (${spec.unit})`}${range}`,
    `default ${preset}`,
    spec.cascade ? "every scope" : "server scope",
    spec.applies,
    ...spec.secret ? ["secret"] : [],
  ];
  const aliases = spec.aliases ? `\nAlso: ${spec.aliases.map(code).join(", ")}.\n` : "";
  const name = key === ENABLED_KEYS.websocket ? `${key}.open-xchange-appsuite` : key;
  return `\n### ${key}\n\n${spec.text}\n\n_${facts.join(" · ")}_\n${aliases}
\`\`\`properties\n${name}=${spec.example}\n\`\`\`\n`;
}

function code(value: string): string {
  return value === "" ? "empty" : `\`${value}\``;
}
