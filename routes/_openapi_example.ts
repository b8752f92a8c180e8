/**
 * Makes the example of a body from its schema in the OpenAPI document: all that is required, and what
 * else has an example. Texts and numbers have their own in the schema; tests find those without.
 */

import { EXAMPLE_ID } from "./_schemas.ts";

/** What this reads of a schema. */
export interface ExampleSchema {
  readonly example?: unknown;
  readonly $ref?: string;
  readonly allOf?: readonly ExampleSchema[];
  readonly anyOf?: readonly ExampleSchema[];
  readonly oneOf?: readonly ExampleSchema[];
  readonly enum?: readonly unknown[];
  readonly format?: string;
  readonly type?: string;
  readonly properties?: Readonly<Record<string, ExampleSchema>>;
  readonly required?: readonly string[];
  readonly items?: ExampleSchema;
}

const OF_FORMATS: Readonly<Record<string, string>> = {
  uuid: EXAMPLE_ID,
  "date-time": "2026-11-23T12:00:00.000Z",
};

/** Returns an example of a schema; `named` has those that it refers to. */
export function exampleOf(
  schema: ExampleSchema,
  named: Readonly<Record<string, ExampleSchema>>,
): unknown {
  const { example, $ref, allOf, anyOf, oneOf, format, properties = {}, items } = schema;
  if (example !== undefined) return example;
  if ($ref !== undefined) return exampleOf(named[$ref.slice($ref.lastIndexOf("/") + 1)]!, named);
  if (allOf) return Object.assign({}, ...allOf.map((each) => exampleOf(each, named)));
  const [first] = anyOf ?? oneOf ?? [];
  if (first) return exampleOf(first, named);
  if (schema.enum) return schema.enum[0];
  if (items) return [exampleOf(items, named)];
  if (schema.type === "boolean") return true;
  if (schema.type !== "object") return OF_FORMATS[format ?? ""];
  const shown = Object.entries(properties).filter(([name, { example }]) =>
    example !== undefined || schema.required?.includes(name)
  );
  return Object.fromEntries(shown.map(([name, each]) => [name, exampleOf(each, named)]));
}
