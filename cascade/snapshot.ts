/**
 * One immutable configuration; a job takes it once and passes it on. It creates the views of users
 * and caches recent ones. Attributes are not part of it: a changed attribute takes effect at once in
 * every snapshot.
 */

import type { ContextRecord, UserRecord } from "./_attribute_records.ts";
import { attributeLayer, TAXONOMY_TYPES } from "./_attribute_records.ts";
import type { AttributeOwner, Attributes } from "./attributes.ts";
import type { Configuration } from "./configuration.ts";
import {
  type ContextSetsExplanation,
  explainSets,
  matchingSets,
  mergeSets,
} from "./context_sets.ts";
import type { ConfigScope } from "./_meta_files.ts";
import { lookUp } from "./resolve.ts";
import type { Settings } from "./settings.ts";
import { userKey } from "../core/notification.ts";
import { LruCache } from "../core/lru_cache.ts";
import { View } from "./view.ts";
import { EMPTY_LAYER, type Layer } from "./schema.ts";

/** A cached view. It is valid only for the context record that it was built from. */
interface CachedView {
  readonly view: View;
  readonly context: ContextRecord | null;
}

/** The most cached contexts, and combinations of context sets. */
const VIEWS = 20_000;

/** The server's settings and the views of users. */
export class Snapshot {
  /** The settings at server scope. */
  readonly settings: Settings;
  readonly #configuration: Configuration;
  readonly #attributes: Attributes;
  readonly #plain: View | undefined;
  readonly #ofContexts = new LruCache<CachedView>(VIEWS);
  /** By user record: each change creates a new object, and unused ones are collected. */
  readonly #ofUsers = new WeakMap<UserRecord, CachedView>();
  readonly #shared = new LruCache<CachedView>(VIEWS);
  readonly #setLayers = new LruCache<Layer>(VIEWS);
  readonly #recordLayers = new WeakMap<object, Layer>();

  constructor(configuration: Configuration, attributes: Attributes) {
    this.settings = configuration.settings;
    this.#configuration = configuration;
    this.#attributes = attributes;
    if (configuration.contextSets.length === 0) this.#plain = this.#stack({}, EMPTY_LAYER);
  }

  /** Returns the view of a user; without a promise where its attributes are cached. */
  view(context: string, user: string): View | Promise<View> {
    const owner = this.#attributes.lookUp(context, user);
    return owner instanceof Promise
      ? owner.then((loaded) => this.#viewOf(loaded, context))
      : this.#viewOf(owner, context);
  }

  /** Returns what the server's scope says alone. */
  serverView(): View {
    return this.#stack({}, EMPTY_LAYER);
  }

  /** Returns the tags of a user, and which context sets they match. */
  async explainSets(context: string, user: string): Promise<ContextSetsExplanation> {
    const owner = await this.#attributes.lookUp(context, user);
    return explainSets(this.#configuration.contextSets, this.#subjectOf(owner, context));
  }

  /** Returns the text of a file below the configuration folder, e.g. `pns-apns-options.yml`. */
  file(path: string): string | undefined {
    return this.#configuration.files.get(path);
  }

  /** The YAML files below a folder of the configuration folder, in order of path. */
  filesBelow(folder: string): readonly (readonly [path: string, text: string])[] {
    return [...this.#configuration.files].filter(([path]) => path.startsWith(`${folder}/`));
  }

  #viewOf(owner: AttributeOwner, context: string): View {
    const { user, context: contextRecord } = owner;
    if (user === null && contextRecord === null && this.#plain) return this.#plain;
    const known = user === null ? this.#ofContexts.get(context) : this.#ofUsers.get(user);
    if (known && known.context === contextRecord) return known.view;
    const cached = { view: this.#build(owner, context), context: contextRecord };
    if (user === null) this.#ofContexts.set(context, cached);
    else this.#ofUsers.set(user, cached);
    return cached.view;
  }

  /** Users without attributes share a view where the same context sets match. */
  #build(owner: AttributeOwner, context: string): View {
    const { context: contextRecord } = owner;
    const records = this.#recordsOf(owner);
    const subject = this.#subjectOf(owner, context);
    const matching = matchingSets(this.#configuration.contextSets, subject);
    const sets = this.#setLayer(matching);
    if (records.user.size > 0) return this.#stack(records, sets);
    const ofContext = records.context.size === 0 ? null : contextRecord;
    const key = userKey(ofContext === null ? "" : context, matching.join());
    const shared = this.#shared.get(key);
    if (shared && shared.context === ofContext) return shared.view;
    const view = this.#stack(records, sets);
    this.#shared.set(key, { view, context: ofContext });
    return view;
  }

  #recordsOf({ context, user }: AttributeOwner) {
    return {
      context: this.#layerOf(context, "context attribute"),
      user: this.#layerOf(user, "user attribute"),
    };
  }

  #subjectOf(owner: AttributeOwner, context: string) {
    return {
      context,
      contextName: owner.context?.name,
      taxonomyTypes: owner.context?.attributes[TAXONOMY_TYPES],
      types: this.#types(this.#recordsOf(owner)),
      permissions: owner.user?.permissions ?? [],
    };
  }

  #types(records: { readonly context: Layer; readonly user: Layer }): readonly string[] {
    const name = "com.openexchange.config.cascade.types";
    const layers = this.#layers(records, EMPTY_LAYER);
    const setting = lookUp({ layers, finals: this.#configuration.finals }, name);
    return setting ? setting.value as readonly string[] : [];
  }

  #setLayer(matching: readonly number[]): Layer {
    if (matching.length === 0) return EMPTY_LAYER;
    const key = matching.join();
    const known = this.#setLayers.get(key);
    if (known) return known;
    const layer = mergeSets(matching.map((index) => this.#configuration.contextSets[index]!));
    this.#setLayers.set(key, layer);
    return layer;
  }

  #layerOf(record: ContextRecord | UserRecord | null, source: string): Layer {
    if (record === null) return EMPTY_LAYER;
    return this.#recordLayers.getOrInsertComputed(
      record,
      () => attributeLayer(record.attributes, source),
    );
  }

  #stack(records: { readonly context?: Layer; readonly user?: Layer }, sets: Layer): View {
    return new View(this.#configuration, this.#layers(records, sets));
  }

  #layers(
    { context = EMPTY_LAYER, user = EMPTY_LAYER }: {
      readonly context?: Layer;
      readonly user?: Layer;
    },
    contextSets: Layer,
  ) {
    const { server, scopes } = this.#configuration;
    const layers: Readonly<Record<ConfigScope, Layer>> = {
      user,
      context,
      contextSets,
      server,
      reseller: EMPTY_LAYER,
    };
    return scopes.map((scope) => ({ scope, layer: layers[scope] }));
  }
}
