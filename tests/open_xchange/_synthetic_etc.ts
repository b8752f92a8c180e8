/**
 * A configuration folder that was written for these tests in the shape of an Open-Xchange
 * installation: 60 files of many programs, among which a handful concern this service, with every
 * oddity that the original's own readers put up with.
 */

/** Path → content. */
export type EtcFiles = Readonly<Record<string, string | Uint8Array<ArrayBuffer>>>;

const BOM = "\uFEFF";

/** What concerns this service. */
const OURS: EtcFiles = {
  // A byte order mark, line ends of Windows, tabs around separators, a documented unescaped colon.
  "pns.properties": BOM + [
    "# Push notifications",
    "com.openexchange.pns.delayDuration\t=\t0",
    "com.openexchange.pns.timerFrequency : 20",
    "com.openexchange.pns.transport.websocket.enabled=true",
    "com.openexchange.pns.transport.websocket.enabled.open-xchange-appsuite.ox:mail:new=true",
    "com.openexchange.pns.transport.gcm.enabled=true",
    "com.openexchange.pns.transport.apn.ios.enabled=true",
    "",
  ].join("\r\n"),
  "webhooks.properties": "com.openexchange.webhooks.enabledIds=\\\n    crm, \\\n    # audit\n" +
    "com.openexchange.pns.transport.webhooks.httpsOnly=true\n" +
    "com.openexchange.pns.transport.webhooks.allowTrustAll=false\n",
  "websockets.properties": "com.openexchange.websockets.grizzly.remote.delayDuration=1000\n" +
    "com.openexchange.websockets.enabled=true\n",
  "configcascade.properties":
    "com.openexchange.config.cascade.scopes=user, context, contextSets, server\n" +
    // A key without a separator has the empty value.
    "com.openexchange.config.cascade.types\n",
  "webhooks.yml": [
    "# One receiver of this installation",
    "crm:",
    "    uri: https://crm.example.com/hooks/ox",
    "    webhookSecret: 0123456789",
    "    signatureSecret: 1e5",
    "    signatureHeaderName: X-OX-Signature",
    "    version: 1",
    "    maxTimeToLiveMillis: 2_678_400_000",
    "    allowSharedUri: yes",
    "    somethingNewer: 2026-11-30",
    "",
  ].join("\n"),
  // Looks like a number, an octal number and a sexagesimal one; each is the text as written.
  "pns-gcm-options.yml": BOM +
    "droid:\r\n  enabled: on\r\n  key:\t0123\t\r\nolddroid:\r\n  enabled: off\r\n  key: 1:30\r\n",
  "pns-apns-options.yml": "iphone:\n  enabled: no\n  keystore: /etc/x.p12\n  password: 0777\n",
  "pns-mobile-api-facade-clients.yml": "clients: [iphone, droid]\n",
  "pushClientConfig/clients.yml":
    "droid8:\n  _type: fcm\n  key: 12345678901234567890\nunheard:\n  _type: pigeon\n",
  "contextSets/premium.yml": [
    "premium:",
    "    withTags: premium & !trial",
    "    com.openexchange.pns.transport.wns.enabled: yes",
    "    com.openexchange.mail.compose.enabled: on",
    "    com.openexchange.mail.list: [a, b]",
    "",
  ].join("\n"),
  "meta/pns.yml": "com.openexchange.pns.transport.gcm.enabled:\n  protected: false\n",
};

/** What other programs have in the folder, broken or not. */
const THEIRS: EtcFiles = {
  "server.properties": latin1("com.openexchange.server.name=M\u00fcnchen\nno.separator\n"),
  "mail.properties": "com.openexchange.mail.bodyDisplaySizeLimit=10485760\n=no key\n",
  "broken_escape.properties": "path=C:\\users\\unknown\n",
  "tabs.properties": "\tkey\tvalue\t\n\t\t# comment\n",
  "endless.properties": "com.openexchange.something=a \\",
  "empty.properties": "",
  "system.properties": "MaxRequestSize=10 MB\n! a comment\nOK\n",
  "imap.properties": "a=1\na=2\na=3\r\rb=4",
  "hazelcast.properties": "com.openexchange.hazelcast.enabled=true\n",
  "contextSets/theirs.yml": "broken: [1\nmore: {",
  "contextSets/tabs.yml": "a:\n\twithTags: b\n",
  "contextSets/old.yml": "old:\n  withTags: 'a &'\n  com.openexchange.mail.x: 1\n",
  "contextSets/empty.yml": "# nothing\n",
  "meta/theirs.yml": "com.openexchange.mail.x: { value: [1, 2] }\ncom.openexchange.mail.x: twice\n",
  "meta/broken.yml": "- : - :\n  ]",
  "settings/ui.yml": "ui: [",
  "settings/appsuite.properties": "io.ox/core//theme=default\n",
  "themes/default/theme.properties": "color=#ff0000\n",
  "as-config.yml": "default:\n  host: all\n  pageTitle: 'App Suite'\n  on: off\n",
  "file-logging.yml": "a: &a [*a]\n",
  "documents.yaml": "%YAML 1.1\n---\na: 0777\nb: 190:20:30\nc: 2001-12-14\n",
  "logback.xml": "<configuration/>",
  "secret.p12": new Uint8Array([48, 130, 1, 2]),
  // What package managers and editors leave behind. All of it would turn push off.
  "pns.properties.dpkg-old": "com.openexchange.pns.transport.websocket.enabled=false\n",
  "pns.properties.rpmsave": "com.openexchange.pns.transport.websocket.enabled=false\n",
  "pns.properties~": "com.openexchange.pns.transport.websocket.enabled=false\n",
  ".pns.properties.swp": "com.openexchange.pns.transport.websocket.enabled=false\n",
  "contextSets/premium.yml.dpkg-dist": "all:\n  withTags: '!x'\n",
};

/** Files in the folder. */
export const ETC_SIZE = 60;

/** All files, and as many more of other programs as make up the number. */
export function syntheticEtc(size = ETC_SIZE): EtcFiles {
  const named = { ...OURS, ...THEIRS };
  const missing = size - Object.keys(named).length;
  const more = Array.from({ length: Math.max(0, missing) }, (_, number) => [
    `packages/program${number}.properties`,
    foreignProperties(number),
  ]);
  return { ...named, ...Object.fromEntries(more) };
}

function foreignProperties(number: number): string {
  return Array.from(
    { length: 60 },
    (_, line) => `# Line ${line}\ncom.openexchange.program${number}.key${line}=value ${line}\n`,
  ).join("");
}

function latin1(text: string): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(text, (char) => char.charCodeAt(0));
}
