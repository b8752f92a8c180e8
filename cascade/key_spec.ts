/**
 * The specification of one key, its constructors for the tables of keys, and the parsing of values.
 * The constructors keep the type of the value.
 */

/** The value of a setting. */
export type Value = string | number | boolean | readonly string[];

/** The type, limits and documentation of a key. `docs/configuration.md` is generated from these. */
export interface KeySpec<T extends Value = Value> {
  readonly type: "boolean" | "integer" | "string" | "choice" | "list";
  readonly default: T;
  /** What the key does, in Markdown, for operators. */
  readonly text: string;
  /** A sensible value other than the default, for the documentation. */
  readonly example: string;
  /** Whether a changed value takes effect at once or only after a restart. */
  readonly applies: "at once" | "after a restart";
  /** Whether it may be set for users, contexts and context sets, and not only for the server. */
  readonly cascade: boolean;
  /** Whether it must never be shown, logged or quoted. */
  readonly secret: boolean;
  readonly unit?: string;
  /** The least and the greatest value of a number. */
  readonly range?: readonly [least: number, greatest: number];
  /** The allowed values of a choice, or items of a list. */
  readonly choices?: readonly string[];
  /** Other names of the same key. */
  readonly aliases?: readonly string[];
  /** Whether `.client` and `.client.topic` may follow the name. */
  readonly perClient?: true;
  /** The key whose value is the default of this one. */
  readonly defaultFrom?: string;
  /** Returns what a value (or an item of a list) must be, if it is wrong. */
  readonly check?: (text: string) => string | undefined;
}

type Common = Pick<KeySpec, "text" | "example"> & Partial<KeySpec>;
type WithRange = Common & Required<Pick<KeySpec, "range">>;

type ReadValue =
  | { readonly ok: true; readonly value: Value }
  | { readonly ok: false; readonly why: string };

const QUOTED_CHARACTERS = 60;

/** Specifies `true` or `false`. */
export function boolean(value: boolean, rest: Common): KeySpec<boolean> {
  return { ...common(rest), type: "boolean", default: value };
}

/** Specifies a whole number. */
export function integer(value: number, rest: WithRange): KeySpec<number> {
  return { ...common(rest), type: "integer", default: value };
}

/** Specifies a time in milliseconds. */
export function milliseconds(value: number, rest: WithRange): KeySpec<number> {
  return integer(value, { ...rest, unit: "ms" });
}

/** Specifies a size in bytes. */
export function bytes(value: number, rest: WithRange): KeySpec<number> {
  return integer(value, { ...rest, unit: "bytes" });
}

/** Specifies a text; empty means not set. */
export function string(value: string, rest: Common): KeySpec<string> {
  return { ...common(rest), type: "string", default: value };
}

/** Specifies one of several words. */
export function choice<const C extends string>(
  value: NoInfer<C>,
  rest: Common & { readonly choices: readonly C[] },
): KeySpec<C> {
  return { ...common(rest), type: "choice", default: value };
}

/** Specifies words separated by commas. */
export function list(value: readonly string[], rest: Common): KeySpec<readonly string[]> {
  return { ...common(rest), type: "list", default: value };
}

/** Parses the text of a value. The reason of a failure never contains a secret. */
export function readValue(spec: KeySpec, raw: string): ReadValue {
  const text = raw.trim();
  const wrong = (expected: string): ReadValue => ({
    ok: false,
    why: spec.secret ? `must be ${expected}` : `must be ${expected}, not '${shortened(text)}'`,
  });
  switch (spec.type) {
    case "boolean": {
      const word = text.toLowerCase();
      if (word === "true" || word === "false") return { ok: true, value: word === "true" };
      return wrong("'true' or 'false'");
    }
    case "integer": {
      const [least, greatest] = spec.range!;
      const value = /^[+-]?\d{1,16}$/.test(text) ? Number(text) : NaN;
      if (value >= least && value <= greatest) return { ok: true, value };
      return wrong(`a whole number from ${least} to ${greatest}`);
    }
    case "choice": {
      const value = findChoice(spec, text);
      return value === undefined ? wrong(oneOf(spec)) : { ok: true, value };
    }
    case "string": {
      const why = text === "" ? undefined : spec.check?.(text);
      return why === undefined ? { ok: true, value: text } : wrong(why);
    }
    case "list":
      return readList(spec, text, wrong);
  }
}

/** Formats a value as in a properties file. */
export function valueText(value: Value): string {
  return typeof value === "object" ? value.join(", ") : String(value);
}

function readList(spec: KeySpec, text: string, wrong: (expected: string) => ReadValue): ReadValue {
  const items: string[] = [];
  for (const part of text.split(",").map((item) => item.trim()).filter((item) => item !== "")) {
    const item = spec.choices ? findChoice(spec, part) : part;
    if (item === undefined) return wrong(`a list of ${oneOf(spec)}`);
    const why = spec.check?.(item);
    if (why !== undefined) return wrong(`a list of which each is ${why}`);
    if (!items.includes(item)) items.push(item);
  }
  return { ok: true, value: items };
}

function findChoice(spec: KeySpec, text: string): string | undefined {
  return spec.choices?.find((known) => known.toLowerCase() === text.toLowerCase());
}

function oneOf(spec: KeySpec): string {
  return `one of ${spec.choices?.map((known) => `'${known}'`).join(", ")}`;
}

function shortened(text: string): string {
  return text.length > QUOTED_CHARACTERS ? `${text.slice(0, QUOTED_CHARACTERS)}…` : text;
}

function common(rest: Common) {
  return { applies: "at once", cascade: false, secret: false, ...rest } as const;
}
