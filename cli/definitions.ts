/** Every command of the command line, in the order in which the help lists them. */

import { TRANSPORTS } from "../core/subscription.ts";
import { SCOPES } from "../core/principal.ts";
import { CONF, CONFIG_COMMANDS } from "./config_definitions.ts";
import type { ArgumentSpec, CommandSpec, OptionSpec } from "./definition.ts";

/** What every command understands. */
export const COMMON_OPTIONS: readonly OptionSpec[] = [
  { name: "json", text: "Write results as JSON" },
  {
    name: "url",
    value: "address",
    text: "The service; default: CARILLON_URL, or http://localhost:8080",
  },
];

const USER: ArgumentSpec = { name: "user", text: "The user", fallback: "3" };
const CONTEXT: ArgumentSpec = { name: "context", text: "The user's context", fallback: "1" };
const CLIENT_FILTER: OptionSpec = { name: "client", value: "client", text: "Only of this client" };
const TRANSPORT_FILTER: OptionSpec = {
  ...{ name: "transport", value: "transport", text: "Only of this transport" },
  choices: TRANSPORTS,
};
const CONTEXT_OPTION: OptionSpec = {
  ...{ name: "context", value: "context", text: "Only of this context" },
};
/** All commands. */
export const COMMANDS: readonly CommandSpec[] = [
  {
    name: "publish",
    summary: "Publish a notification and wait for its outcome",
    details: 'Without `--data` it publishes the "new mail" example. With `--data -` it reads the ' +
      "JSON object from standard input.",
    args: [USER, CONTEXT],
    options: [
      { name: "topic", value: "topic", text: "The topic", fallback: "ox:mail:new" },
      { name: "data", value: "json", text: "A JSON object, or - for standard input" },
      {
        ...{ name: "priority", value: "priority", text: "How urgent it is", fallback: "high" },
        choices: ["high", "medium", "low"],
      },
      { name: "ttl", value: "seconds", text: "For how long it is worth delivering" },
      { name: "collapse-key", value: "key", text: "Only the newest with this key is delivered" },
      { name: "idempotency-key", value: "key", text: "Makes the publish safe to repeat" },
      { name: "traceparent", value: "header", text: "W3C trace context that the trace continues" },
      { name: "no-wait", text: "Do not wait for the outcome" },
    ],
    examples: ["publish 3 1", 'publish 3 1 --topic ox:calendar:updates --data \'{"id":"7"}\''],
    load: () => import("./commands/publish.ts"),
  },
  {
    name: "listen",
    summary: "Open a socket as a user's browser tab would, and print what arrives",
    args: [USER, CONTEXT],
    options: [
      { name: "count", value: "events", text: "End after so many events" },
      { name: "client", value: "client", text: "The client that the socket belongs to" },
    ],
    examples: ["listen 3 1", "listen 3 1 --count 1 --json"],
    load: () => import("./commands/listen.ts"),
  },
  {
    name: "subscribe",
    summary: "Subscribe a device of a user",
    details: "The device token, channel address or push subscription comes from " +
      "`CARILLON_ADDRESS`, from standard input, or from a prompt, since anybody who has it can push to it.",
    args: [USER, CONTEXT],
    options: [
      { name: "client", value: "client", text: "The client; needed" },
      {
        ...{ name: "transport", value: "transport", text: "The transport; needed" },
        choices: TRANSPORTS.filter((name) => name !== "websocket"),
      },
      { name: "topic", value: "pattern", text: "A topic or a pattern; default: *", many: true },
      { name: "test", text: "Send a test message to the device, too" },
    ],
    examples: ["subscribe 3 1 --client demo-ios --transport apn"],
    load: () => import("./commands/subscribe.ts"),
  },
  {
    name: "explain",
    summary: "Say who would get a notification, who would not, and which setting decides",
    args: [USER, CONTEXT],
    options: [{ name: "topic", value: "topic", text: "The topic", fallback: "ox:mail:new" }],
    examples: ["explain 3 1 --topic ox:mail:new"],
    load: () => import("./commands/explain.ts"),
  },
  {
    name: "show",
    summary: "Show the outcome of a notification",
    args: [{ name: "id", text: "The id that the publish was answered with", required: true }],
    examples: ["show 0192f3c1-7a5b-7c3d-8e1f-2a3b4c5d6e7f"],
    load: () => import("./commands/show.ts"),
  },
  {
    name: "dead-letters",
    summary: "List dead letters and send them again",
    commands: [
      {
        name: "list",
        summary: "List dead letters, oldest first",
        options: [
          ...[CONTEXT_OPTION, CLIENT_FILTER, TRANSPORT_FILTER],
          { name: "limit", value: "count", text: "At most so many", fallback: "100" },
        ],
        examples: ["dead-letters list --transport apn"],
        load: () => import("./commands/dead_letters_list.ts"),
      },
      {
        name: "replay",
        summary: "Send dead letters again: one by its id, or all that match",
        args: [{ name: "id", text: "Id of a dead letter" }],
        options: [
          ...[CONTEXT_OPTION, CLIENT_FILTER, TRANSPORT_FILTER],
          { name: "all", text: "Needed to replay all when nothing narrows them down" },
        ],
        examples: ["dead-letters replay --client demo-ios"],
        load: () => import("./commands/dead_letters_replay.ts"),
      },
    ],
  },
  {
    name: "keys",
    summary: "List, make and revoke API keys",
    commands: [
      {
        name: "list",
        summary: "List the API keys, without their secrets",
        examples: ["keys list"],
        load: () => import("./commands/keys_list.ts"),
      },
      {
        name: "create",
        summary: "Make an API key; its secret is shown this once",
        args: [{ name: "name", text: "What the key is for", required: true }],
        options: [
          { name: "scope", value: "scope", text: "A scope; needed", many: true, choices: SCOPES },
          { name: "context", value: "context", text: "Only for this context", many: true },
          { name: "expires", value: "time", text: "When it ends, in ISO 8601; default: never" },
        ],
        examples: ['keys create "mail server" --scope publish'],
        load: () => import("./commands/keys_create.ts"),
      },
      {
        name: "revoke",
        summary: "Revoke an API key",
        args: [{ name: "id", text: "Id of the key, not its secret", required: true }],
        examples: ["keys revoke 0192f3c1"],
        load: () => import("./commands/keys_revoke.ts"),
      },
    ],
  },
  CONFIG_COMMANDS,
  {
    name: "backup",
    summary: "Copy the store to a file, also while the service runs",
    details:
      "With one argument the store is the one of `CARILLON_STORE`: a data file, or Redis. An " +
      "address with a password in it is not taken as an argument.",
    args: [
      {
        name: "from",
        text: "Data file; left out: the store of CARILLON_STORE",
        required: true,
        completes: "file",
      },
      { name: "to", text: "The backup, which must not exist", completes: "file" },
    ],
    examples: ["backup data/carillon.kv /backups/monday.kv", "backup /backups/monday.ndjson"],
    load: () => import("./commands/backup.ts"),
  },
  {
    name: "restore",
    summary: "Put a backup where a service is to start on it",
    details:
      "With one argument the target is the store of `CARILLON_STORE`. The target must be empty, " +
      "and no service may use it.",
    args: [
      { name: "from", text: "The backup", required: true, completes: "file" },
      { name: "to", text: "Data file; left out: the store of CARILLON_STORE", completes: "file" },
    ],
    options: [
      { name: "salvage", text: "The file is damaged: take what can still be read of it" },
    ],
    examples: ["restore /backups/monday.kv data/carillon.kv"],
    load: () => import("./commands/restore.ts"),
  },
  {
    name: "doctor",
    summary: "Find what is wrong with a set-up, and say what to do",
    details:
      "Reads the environment and the configuration folder as a start does, and asks the running " +
      "service where there is one. With `CARILLON_KEY` (scope `admin`) it sees more. " +
      "`--dry-run` asks each provider with an address that no device has, and each receiver of " +
      "webhooks with `OPTIONS`: nobody is pushed to.",
    options: [
      CONF,
      {
        name: "node",
        value: "address",
        text: "A node past the proxy; several times for all",
        many: true,
      },
      { name: "origin", value: "origin", text: "Web origin whose pages open sockets" },
      { name: "dry-run", text: "Ask every provider and receiver, without pushing to anybody" },
      { name: "idle", text: "Wait for longer than a ping interval at the proxy, also for streams" },
      { name: "pid", value: "pid", text: "Process of the service, for its limits" },
    ],
    examples: [
      "doctor",
      "doctor --dry-run --node http://10.0.0.1:8080 --node http://10.0.0.2:8080",
    ],
    load: () => import("./commands/doctor.ts"),
  },
  {
    name: "top",
    summary: "Watch a node: rates, queues, sockets and providers",
    options: [
      { name: "interval", value: "seconds", text: "Between two readings", fallback: "2" },
      { name: "once", text: "Read twice, print once, and end" },
    ],
    examples: ["top", "top --once --json"],
    load: () => import("./commands/top.ts"),
  },
  {
    name: "vapid",
    summary: "Make a pair of VAPID keys for Web Push",
    examples: ["vapid"],
    load: () => import("./commands/vapid.ts"),
  },
  {
    name: "completions",
    summary: "Print the completions for a shell",
    args: [{ name: "shell", text: "The shell", required: true, choices: ["bash", "zsh", "fish"] }],
    examples: ["completions bash > ~/.local/share/bash-completion/completions/carillon"],
    load: () => import("./commands/completions.ts"),
  },
];
