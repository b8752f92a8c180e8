/** The commands below `config`. */

import type { CommandSpec, OptionSpec } from "./definition.ts";

/** Names the configuration folder that a command reads. */
export const CONF: OptionSpec = {
  ...{ name: "conf", value: "folder", completes: "folder" },
  text: "The configuration folder; default: CARILLON_CONFIG_DIR, or ./conf",
};

/** The group of commands. */
export const CONFIG_COMMANDS: CommandSpec = {
  name: "config",
  summary: "Read, change, check and compare the configuration",
  commands: [
    {
      name: "get",
      summary: "Show a key's value and where it comes from",
      details: "Without `--context` it reads the configuration folder and the environment; with " +
        "it, it asks the service for the attributes of a context or user.",
      args: [{ name: "key", text: "The key; absent: all that are set" }],
      options: [
        CONF,
        { name: "context", value: "context", text: "Attributes of this context" },
        { name: "user", value: "user", text: "Attributes of this user of the context" },
      ],
      examples: ["config get com.openexchange.pns.delayDuration"],
      load: () => import("./commands/config_get.ts"),
    },
    {
      name: "set",
      summary: "Set a key in a properties file, or an attribute of a context or user",
      details:
        "The value is checked first. The value of a secret key is never an argument: it comes " +
        "from standard input or a prompt.",
      args: [
        { name: "key", text: "The key", required: true },
        { name: "value", text: "The value; absent only for secret keys" },
      ],
      options: [
        CONF,
        { name: "context", value: "context", text: "For this context, at the service" },
        { name: "user", value: "user", text: "For this user of the context, at the service" },
        { name: "reload", text: "Have the service read its configuration afterwards" },
      ],
      examples: ["config set com.openexchange.pns.delayDuration 500 --reload"],
      load: () => import("./commands/config_set.ts"),
    },
    {
      name: "check",
      summary: "Say what a start makes of a configuration folder, without starting",
      details:
        "It lists what is used, what is ignored and why, what an Open-Xchange middleware reads in " +
        "another way, which clients are left out, and what stops a start. The environment counts " +
        "as in a start.",
      args: [{
        ...{ name: "folder", completes: "folder" },
        text: "The configuration folder; default: CARILLON_CONFIG_DIR, or ./conf",
      }],
      examples: ["config check", "config check /opt/open-xchange/etc"],
      load: () => import("./commands/config_check.ts"),
    },
    {
      name: "diff",
      summary: "Show what differs from the defaults, or from another folder",
      args: [{ name: "other", text: "Another configuration folder", completes: "folder" }],
      options: [CONF],
      examples: ["config diff", "config diff /etc/carillon.old"],
      load: () => import("./commands/config_diff.ts"),
    },
  ],
};
