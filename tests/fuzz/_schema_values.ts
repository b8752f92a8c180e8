/** Values that a JSON schema of the OpenAPI document takes, by chance. */

import type { Dice } from "./_fuzz.ts";

/** The words of JSON Schema that the document uses. */
export interface Schema {
  readonly $ref?: string;
  readonly type?: string | readonly string[];
  readonly anyOf?: readonly Schema[];
  readonly oneOf?: readonly Schema[];
  readonly enum?: readonly unknown[];
  readonly const?: unknown;
  readonly example?: unknown;
  readonly default?: unknown;
  readonly format?: string;
  readonly minLength?: number;
  readonly maxLength?: number;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly items?: Schema;
  readonly minItems?: number;
  readonly maxItems?: number;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly required?: readonly string[];
  readonly additionalProperties?: boolean | Schema;
}

/** Schemas by the name that `$ref` has for them. */
export type Schemas = Readonly<Record<string, Schema>>;

const WORDS = ["1", "3", "open-xchange-appsuite", "ox:mail:new", "ox:*", "websocket", "apn", "gcm"]
  .concat("webpush", "wns", "a", "Ärger", "🔔", " x ", "0", "https://push.example/x", "null");

/** What a value is made of. */
interface ValueMaterial {
  readonly dice: Dice;
  /** The ones that others refer to. */
  readonly schemas: Schemas;
}

/** A value for a schema; constraints that only code knows are met by luck and by examples. */
export function valueOf(schema: Schema, material: ValueMaterial): unknown {
  const { dice, schemas } = material;
  if (schema.$ref) return valueOf(schemas[schema.$ref.split("/").at(-1)!]!, material);
  if (schema.example !== undefined && dice.chance(0.6)) return schema.example;
  const choice = schema.anyOf ?? schema.oneOf;
  if (choice) return valueOf(dice.pick(choice), material);
  if (schema.const !== undefined) return schema.const;
  if (schema.enum) return dice.pick(schema.enum);
  const type = typeof schema.type === "object" ? dice.pick(schema.type) : schema.type;
  switch (type) {
    case "object":
      return objectOf(schema, material);
    case "array":
      return arrayOf(schema, material);
    case "string":
      return textOf(schema, dice);
    case "integer":
    case "number":
      return numberOf(schema, dice);
    case "boolean":
      return dice.chance(0.5);
    case "null":
      return null;
    default:
      return dice.pick<unknown>([null, 1, "a", true, {}, []]);
  }
}

function objectOf(schema: Schema, material: ValueMaterial): Record<string, unknown> {
  const { dice } = material;
  const { properties = {}, required = [], additionalProperties } = schema;
  const made: Record<string, unknown> = {};
  for (const [name, each] of Object.entries(properties)) {
    if (required.includes(name) || dice.chance(0.4)) made[name] = valueOf(each, material);
  }
  if (additionalProperties) {
    const each = additionalProperties === true ? {} : additionalProperties;
    for (let n = dice.below(4); n > 0; n--) made[dice.pick(WORDS)] = valueOf(each, material);
  }
  return made;
}

function arrayOf(schema: Schema, material: ValueMaterial): unknown[] {
  const { dice } = material;
  const { items = {}, minItems = 0, maxItems = Infinity } = schema;
  const length = Math.min(minItems + dice.below(4), maxItems);
  return Array.from({ length }, () => valueOf(items, material));
}

function textOf({ format, minLength = 0, maxLength = 5000 }: Schema, dice: Dice): string {
  if (format === "uuid") return uuidOf(dice);
  if (format === "date-time") return new Date(dice.below(2 ** 31) * 2000).toISOString();
  const text = dice.chance(0.8)
    ? dice.pick(WORDS)
    : dice.pick(["a", "é", "🔔"]).repeat(dice.chance(0.5) ? maxLength / 2 : minLength + 1);
  return text.padEnd(minLength, "x").slice(0, maxLength);
}

function numberOf({ minimum = -10, maximum = Number.MAX_SAFE_INTEGER }: Schema, dice: Dice) {
  if (dice.chance(0.2)) return minimum;
  if (dice.chance(0.1)) return maximum;
  return minimum + dice.below(Math.min(maximum - minimum, 10_000) + 1);
}

function uuidOf(dice: Dice): string {
  const digits = Array.from({ length: 32 }, () => dice.below(16).toString(16)).join("");
  return `${digits.slice(0, 8)}-${digits.slice(8, 12)}-7${digits.slice(13, 16)}-` +
    `a${digits.slice(17, 20)}-${digits.slice(20)}`;
}
