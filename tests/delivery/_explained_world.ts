/**
 * A random world that a notification is published in: configuration on every scope, context sets,
 * templates with languages, subscriptions, sockets, quiet hours, and the hour of the day.
 */

import fc from "fast-check";
import { ENABLED_KEYS } from "../../cascade/mod.ts";

/** The clients of the worlds. */
export const CLIENTS = ["app", "phone", "open-xchange-appsuite"] as const;
const STORED = ["apn", "gcm", "wns", "webpush", "webhook"] as const;
const TOPICS = ["ox:mail:new", "ox:mail:flags", "ox:calendar:updates"] as const;
const PATTERNS = [...TOPICS, "ox:mail:*", "*"] as const;
const TAGS = ["1", "ucWebMail", "premium", "acme", "added", "nobody"] as const;
/** The languages that templates may have. */
const LANGUAGES = ["de", "de-CH", "fr", "pt-BR"] as const;
const WANTED = ["de-CH-1996", "de", "fr-CA", "pt-BR", "pt", "ja"] as const;
const QUIET = "io.carillon.quietHours";

const client = fc.constantFrom(...CLIENTS);
const topic = fc.constantFrom(...TOPICS);
function optional<T>(of: fc.Arbitrary<T>): fc.Arbitrary<T | undefined> {
  return fc.option(of, { nil: undefined });
}

/** A key, also for a client, and for a topic of it. */
function keyOf(key: fc.Arbitrary<string>): fc.Arbitrary<string> {
  return fc.tuple(key, optional(client), optional(topic)).map(([key, client, topic]) =>
    [key, client, client === undefined ? undefined : topic].filter(Boolean).join(".")
  );
}

type Setting = readonly [key: string, value: string | boolean];

function setting<T extends string | boolean>(
  key: fc.Arbitrary<string>,
  ...values: readonly T[]
): fc.Arbitrary<Setting> {
  return fc.tuple(key, fc.constantFrom(...values));
}

function named(key: string): fc.Arbitrary<string> {
  return fc.constant(key);
}

const aSetting = fc.oneof(
  {
    weight: 4,
    arbitrary: setting(keyOf(fc.constantFrom(...Object.values(ENABLED_KEYS))), true, false),
  },
  {
    weight: 2,
    arbitrary: setting(
      keyOf(named(`${QUIET}.times`)),
      ...["22:00-07:00", "12:00-13:30", "06:00-12:00, 12:00-18:00", ""],
    ),
  },
  { weight: 2, arbitrary: setting(keyOf(named(`${QUIET}.action`)), "drop", "silent", "hold") },
  { weight: 1, arbitrary: setting(keyOf(named(`${QUIET}.breakThrough`)), true, false) },
  {
    weight: 1,
    arbitrary: setting(
      named("io.carillon.timeZone"),
      ...["UTC", "Europe/Berlin", "America/St_Johns", "Asia/Kolkata", "Pacific/Kiritimati"],
    ),
  },
  { weight: 1, arbitrary: setting(named("io.carillon.locale"), ...WANTED) },
  {
    weight: 1,
    arbitrary: setting(named("com.openexchange.webhooks.enabledIds"), "app", "app,phone"),
  },
);
const settings = fc.array(aSetting, { maxLength: 6 }).map((all) =>
  Object.fromEntries(all) as Readonly<Record<string, string | boolean>>
);

const tag = fc.tuple(fc.boolean(), fc.constantFrom(...TAGS)).map(([not, tag]) =>
  not ? `!${tag}` : tag
);
const expression = fc.tuple(tag, fc.constantFrom("&", "|"), tag)
  .map(([one, operator, other]) => `${one} ${operator} (${other})`);
const contextSet = fc.record({ expression, adds: fc.boolean(), settings });

const template = fc.record({
  client: fc.constantFrom(...CLIENTS, "*"),
  transport: fc.constantFrom("apn", "gcm", "wns", "webpush", "*"),
  topic: fc.constantFrom(...PATTERNS),
  languages: fc.subarray([...LANGUAGES]),
  isPrivate: optional(fc.boolean()),
});

const subscription = fc.record({
  client,
  transport: fc.constantFrom(...STORED),
  topics: fc.uniqueArray(fc.constantFrom(...PATTERNS), { minLength: 1, maxLength: 2 }),
  locale: optional(fc.constantFrom(...WANTED)),
});
const socket = fc.record({
  client,
  id: fc.constantFrom("one", "two", "source"),
  open: fc.boolean(),
});

/** What the server sets for all: without it, nearly all worlds would send nothing. */
const base = fc.record({
  isEnabled: fc.boolean(),
  quiet: fc.constantFrom("", "drop", "silent", "hold"),
})
  .map(({ isEnabled, quiet }) => ({
    ...isEnabled && Object.fromEntries(Object.values(ENABLED_KEYS).map((key) => [key, true])),
    ...quiet !== "" && { [`${QUIET}.times`]: "20:00-09:00", [`${QUIET}.action`]: quiet },
  }));

/** Worlds. */
export const world = fc.record({
  base,
  server: settings,
  sets: fc.array(contextSet, { maxLength: 3 }),
  ofContext: settings,
  ofUser: settings,
  permissions: fc.subarray(["ucWebMail", "ucCalendar"]),
  templates: fc.array(template, { maxLength: 3 }),
  subscriptions: fc.array(subscription, { maxLength: 6 }),
  sockets: fc.array(socket, { maxLength: 4 }),
  interests: fc.dictionary(client, fc.subarray([...PATTERNS], { minLength: 1, maxLength: 2 })),
  served: fc.subarray([...CLIENTS], { minLength: 1 }),
  topic,
  sourceToken: optional(fc.constantFrom("source", "token-0", "token-1")),
  priority: fc.constantFrom("high", "medium", "low"),
  /** Seconds. */
  escalate: optional(fc.constantFrom(600, 3600, 3600)),
  /** Seconds; quiet hours and escalations end at other seconds of a minute. */
  ttl: optional(fc.constantFrom(320, 5_000, 30_020)),
  day: fc.integer({ min: 0, max: 364 }),
  /** Of the day; often the hour before quiet hours, so that escalations end in them. */
  minute: fc.oneof(
    fc.integer({ min: 0, max: 24 * 60 - 1 }),
    fc.integer({ min: 19 * 60, max: 20 * 60 - 1 }),
  ),
});

/** One of {@link world}. */
export type World = typeof world extends fc.Arbitrary<infer W> ? W : never;

/** The configuration files of a world. */
export function filesOf(
  { base, server, sets, templates }: World,
): Readonly<Record<string, string>> {
  const properties = Object.entries({
    ...base,
    ...server,
    "com.openexchange.pns.delayDuration": "0",
  })
    .map(([name, value]) => `${name.replaceAll(":", "\\:")}=${value}\n`);
  const entries = sets.map(({ expression, adds, settings }, at) =>
    [
      `set${at}:`,
      `  withTags: "${expression}"`,
      ...adds ? ["  addTags: added"] : [],
      ...Object.entries(settings).map(([name, value]) => `  "${name}": ${JSON.stringify(value)}`),
    ].join("\n")
  );
  return {
    "pns.properties": properties.join(""),
    ...entries.length > 0 && { "contextSets/random.yml": `${entries.join("\n")}\n` },
    "pns-messages.yml": JSON.stringify(templatesOf(templates)),
  };
}

/** Each text names its language, so that the message shows which one was taken. */
function templatesOf(templates: World["templates"]) {
  const file: Record<string, Record<string, Record<string, unknown>>> = {};
  for (const { client, transport, topic, languages, isPrivate } of templates) {
    const locales = Object.fromEntries(languages.map((each) => [each, { title: `in ${each}` }]));
    ((file[client] ??= {})[transport] ??= {})[topic] = {
      title: "in none",
      ...languages.length > 0 && { locales },
      ...isPrivate !== undefined && { private: isPrivate },
    };
  }
  return file;
}
