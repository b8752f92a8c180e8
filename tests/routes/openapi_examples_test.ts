/** The OpenAPI document as linters and generators of clients read it. */

import { createConfig, lintFromString } from "@redocly/openapi-core";
import { Ajv2020 } from "ajv/dist/2020.js";
import addFormats from "ajv-formats";
import assert from "node:assert/strict";
import { startTestService } from "../support/start_service.ts";

type Json = Readonly<Record<string, unknown>>;

interface Media {
  readonly schema: Json;
  readonly example?: unknown;
  readonly examples?: Readonly<Record<string, { readonly value: unknown }>>;
}

interface Operation {
  readonly operationId?: string;
  readonly requestBody?: { readonly content: Readonly<Record<string, Media>> };
  readonly responses: Readonly<
    Record<string, { readonly content?: Readonly<Record<string, Media>> }>
  >;
}

async function openApiDocument() {
  await using service = await startTestService();
  return (await service.call("GET", "/openapi.json", { key: null })).body;
}

/** Every body that the document describes, and where it is. */
function bodiesOf(paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>) {
  return Object.entries(paths).flatMap(([path, operations]) =>
    Object.entries(operations).flatMap(([method, { requestBody, responses }]) => {
      const name = `${method.toUpperCase()} ${path}`;
      return [
        ...Object.values(requestBody?.content ?? {}).map((media) => ({ name, media })),
        ...Object.entries(responses).flatMap(([status, { content = {} }]) =>
          Object.values(content).map((media) => ({ name: `${name} → ${status}`, media }))
        ),
      ];
    })
  );
}

Deno.test("Redocly's linter has neither an error nor a warning about the OpenAPI document", async () => {
  const document = await openApiDocument();
  const problems = await lintFromString({
    source: JSON.stringify(document),
    absoluteRef: "openapi.json",
    config: await createConfig({ extends: ["recommended"] }),
  });
  const found = problems.map(({ ruleId, message, location: [at] }) =>
    `${ruleId}: ${message} at ${at?.pointer}`
  );
  assert.deepEqual(found, []);
});

Deno.test("each request and each answer in the OpenAPI document has an example", async () => {
  const { paths } = await openApiDocument();
  const without = bodiesOf(paths)
    .filter(({ media }) =>
      media.example === undefined && Object.keys(media.examples ?? {}).length === 0
    )
    .map(({ name }) => name);
  assert.deepEqual(without, [], "give the fields of their schemas an example");
});

Deno.test("each example in the OpenAPI document is valid by its schema", async () => {
  const document = await openApiDocument();
  const ajv = new Ajv2020({ strict: false });
  addFormats.default(ajv);
  ajv.addSchema({ $id: "openapi", components: document.components });
  const invalid: string[] = [];
  let checked = 0;
  for (const { name, media } of bodiesOf(document.paths)) {
    const schema = JSON.parse(JSON.stringify(media.schema).replaceAll('"#/', '"openapi#/'));
    const validate = ajv.compile(schema);
    const values = media.example === undefined
      ? Object.values(media.examples ?? {}).map(({ value }) => value)
      : [media.example];
    for (const value of values) {
      checked++;
      if (!validate(value)) invalid.push(`${name}: ${ajv.errorsText(validate.errors)}`);
    }
  }
  assert.deepEqual(invalid, []);
  assert.ok(checked > 100);
});
