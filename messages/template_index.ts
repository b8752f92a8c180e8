/**
 * Finds the template for a client, transport and topic. The most specific one wins: a named client
 * before `*`, then a named transport before `*`, then the topic before the longest matching
 * pattern. Only `private` is inherited from less specific templates, so that new texts for one
 * client do not undo a decision for all by accident.
 */

import type { Target, TransportName } from "../core/subscription.ts";
import { isWildcard, topicMatches } from "../core/topic.ts";
import type { Template } from "./template.ts";

/** Any client or transport. */
export const ANY = "*";

/** Where a template applies. */
export interface TemplateScope {
  /** A client id or `*`. */
  readonly client: string;
  readonly transport: TransportName | typeof ANY;
  /** A topic or pattern. */
  readonly topic: string;
}

/** The templates of a file. Immutable: a new configuration is a new index. */
export interface Templates {
  readonly size: number;
  find(
    target: Pick<Target, "client" | "transport">,
    topic: string,
  ): FoundTemplate | undefined;
}

interface FoundTemplate {
  readonly template: Template;
  /** Its `private`, or that of the most specific template that sets it. */
  readonly private: boolean;
}

interface Topics {
  readonly exact: Map<string, Template>;
  /** Longest first. */
  readonly patterns: (readonly [pattern: string, template: Template])[];
}

/** Builds an index; of two templates with the same scope the later one wins. */
export function indexTemplates(
  entries: Iterable<readonly [scope: TemplateScope, template: Template]>,
): Templates {
  const places = new Map<string, Topics>();
  let size = 0;
  for (const [{ client, transport, topic }, template] of entries) {
    const key = placeKey(client, transport);
    const topics = places.getOrInsert(key, { exact: new Map(), patterns: [] });
    if (isWildcard(topic)) topics.patterns.push([topic, template]);
    else topics.exact.set(topic, template);
    size++;
  }
  for (const { patterns } of places.values()) patterns.sort(([a], [b]) => b.length - a.length);
  /** Most specific first. */
  function* matches(
    { client, transport }: Pick<Target, "client" | "transport">,
    topic: string,
  ): Generator<Template> {
    for (const place of [client, ANY]) {
      for (const way of [transport, ANY]) {
        const topics = places.get(placeKey(place, way));
        const exact = topics?.exact.get(topic);
        if (exact) yield exact;
        for (const [pattern, template] of topics?.patterns ?? []) {
          if (topicMatches(pattern, topic)) yield template;
        }
      }
    }
  }
  function find(
    target: Pick<Target, "client" | "transport">,
    topic: string,
  ): FoundTemplate | undefined {
    let best: Template | undefined;
    for (const template of size > 0 ? matches(target, topic) : []) {
      best ??= template;
      if (template.private !== undefined) return { template: best, private: template.private };
    }
    return best && { template: best, private: false };
  }
  return { size, find };
}

/** No templates: every message is the built-in one. */
export const NO_TEMPLATES: Templates = indexTemplates([]);

function placeKey(client: string, transport: string): string {
  return `${client}\u0000${transport}`;
}
