/**
 * The configuration of one user, or of all users who share the same. It answers without I/O; the
 * switches of transports, which every notification reads, are cached at the first read.
 */

import type { TransportName } from "../core/subscription.ts";
import type { QuietRules } from "../core/quiet_hours.ts";
import { topicsMatch } from "../core/topic.ts";
import type { Configuration } from "./configuration.ts";
import {
  lookUp,
  REDACTED,
  type Resolution,
  type ScopeLayer,
  type Stack,
  trace,
  type TrailStep,
} from "./resolve.ts";
import { ENABLED_KEYS, findName, type Key, KEYS, type ValueOf } from "./schema.ts";
import { defaultValue } from "./settings.ts";

const QUIET_TIMES = "io.carillon.quietHours.times";

/** Whether a transport is enabled, and for which clients and topics that differs. */
interface Switch {
  readonly base: boolean;
  /** `client` and `client.topic` → enabled; only those that are configured. */
  readonly specific: ReadonlyMap<string, boolean>;
}

/** The webhooks that a user may have, whatever the switch says. */
const ENABLED_WEBHOOKS = "com.openexchange.webhooks.enabledIds";

interface ListedSetting {
  /** With client and topic, where it is set for these. */
  readonly key: string;
  /** Secrets are redacted. */
  readonly value: string;
  readonly scope: TrailStep["scope"];
  readonly source?: string;
  /** Whether a change takes effect at once or after a restart. */
  readonly applies: string;
}

/** The configuration of a user: immutable, and shared by users for whom it is the same. */
export class View {
  readonly #configuration: Configuration;
  readonly #stack: Stack;
  #quiet: boolean | undefined;
  #inboxTopics: readonly string[] | undefined;
  readonly #switches: { [T in TransportName]?: Switch } = {};

  /** @param layers in the order of the scopes */
  constructor(configuration: Configuration, layers: readonly ScopeLayer[]) {
    this.#configuration = configuration;
    this.#stack = { layers, finals: configuration.finals };
  }

  /** Whether notifications of a topic are sent to a client by a transport. */
  enabled(transport: TransportName, client: string, topic: string): boolean {
    if (transport === "webhook" && !this.get(ENABLED_WEBHOOKS).includes(client)) return false;
    const { base, specific } = this.#switches[transport] ??= this.#switchOf(transport);
    if (specific.size === 0) return base;
    return specific.get(`${client}.${topic}`) ?? specific.get(client) ?? base;
  }

  /**
   * Returns the quiet hours of a client and topic; `undefined` where there are none. That costs
   * next to nothing where no quiet hours are configured.
   */
  quietRules(client: string, topic: string): QuietRules | undefined {
    this.#quiet ??= this.#stack.layers.some(({ layer }) => {
      for (const { key } of layer.values()) if (key === QUIET_TIMES) return true;
      return false;
    });
    if (!this.#quiet) return undefined;
    const times = this.#nearest(QUIET_TIMES, client, topic);
    if (times.length === 0) return undefined;
    return {
      times,
      action: this.#nearest("io.carillon.quietHours.action", client, topic),
      breakThrough: this.#nearest("io.carillon.quietHours.breakThrough", client, topic),
      timeZone: this.get("io.carillon.timeZone"),
    };
  }

  /** Whether notifications of a topic are kept in the user's inbox. */
  keepsInInbox(topic: string): boolean {
    const topics = this.#inboxTopics ??= this.get("io.carillon.inbox.topics");
    return topics.length > 0 && topicsMatch(topics, topic);
  }

  /** Returns the trail of the quiet hours of a client and topic. */
  explainQuiet(client: string, topic: string): Resolution<readonly string[]> {
    return this.#trace(QUIET_TIMES, namesOf(QUIET_TIMES, client, topic));
  }

  get<K extends Key>(key: K): ValueOf<K> {
    const setting = lookUp(this.#stack, key);
    const { server } = this.#configuration;
    return (setting ? setting.value : defaultValue(server, key)) as ValueOf<K>;
  }

  /** Returns the result of {@link enabled} with its trail. */
  explain(transport: TransportName, client: string, topic: string): Resolution<boolean> {
    const key = ENABLED_KEYS[transport];
    const found = this.#trace(key, namesOf(key, client, topic)) as Resolution<boolean>;
    if (transport !== "webhook" || !found.value) return found;
    // Both must allow it; where the list does not, it is what decided.
    const ids = this.explainKey(ENABLED_WEBHOOKS);
    return ids.value.includes(client) ? found : {
      value: false,
      trail: [...found.trail.map((step) => ({ ...step, chosen: false })), ...ids.trail],
    };
  }

  /** Returns the result of {@link get} with its trail. */
  explainKey<K extends Key>(key: K): Resolution<ValueOf<K>> {
    return this.#trace(key, [key]);
  }

  /** Returns every key with its value, the scope that it comes from and its place there. */
  list(): readonly ListedSetting[] {
    const names = new Set<string>(Object.keys(KEYS));
    for (const { layer } of this.#stack.layers) for (const name of layer.keys()) names.add(name);
    return [...names].sort().map((name) => this.#listed(name));
  }

  #listed(name: string): ListedSetting {
    const { key, spec } = findName(name)!;
    const { trail } = this.#trace(key, [name]);
    const { scope, source, value } = trail.find(({ chosen }) => chosen)!;
    return {
      ...{ key: name, scope, applies: spec.applies },
      value: spec.secret ? REDACTED : value ?? "",
      ...source !== undefined && { source },
    };
  }

  #trace<K extends Key>(key: K, names: readonly string[]): Resolution<ValueOf<K>> {
    const fallback = defaultValue(this.#configuration.server, key);
    return trace(this.#stack, { names, fallback }) as Resolution<ValueOf<K>>;
  }

  /** The value of a key for the topic, else for the client, else for all. */
  #nearest<K extends Key>(key: K, client: string, topic: string): ValueOf<K> {
    for (const name of namesOf(key, client, topic)) {
      const setting = lookUp(this.#stack, name);
      if (setting) return setting.value as ValueOf<K>;
    }
    return defaultValue(this.#configuration.server, key) as ValueOf<K>;
  }

  #switchOf(transport: TransportName): Switch {
    const key = ENABLED_KEYS[transport];
    const specific = new Map<string, boolean>();
    for (const { layer } of this.#stack.layers) {
      for (const { key: of, name } of layer.values()) {
        if (of !== key || name === key) continue;
        const setting = lookUp(this.#stack, name);
        if (setting) specific.set(name.slice(key.length + 1), setting.value === true);
      }
    }
    return { base: this.get(key) === true, specific };
  }
}

/** The names of a key from the most specific on. */
function namesOf(key: string, client: string, topic: string): readonly string[] {
  return [`${key}.${client}.${topic}`, `${key}.${client}`, key];
}
