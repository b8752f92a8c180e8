/** The operations of an OpenAPI document, and whether answers are among those that it describes. */

import assert from "node:assert/strict";
import { Ajv2020, type ValidateFunction } from "ajv/dist/2020.js";
import addFormats from "ajv-formats";
import { type ErrorCode, ERRORS } from "../../core/errors.ts";
import type { Schema, Schemas } from "./_schema_values.ts";

/** One operation. */
export interface Operation {
  readonly method: string;
  readonly path: string;
  readonly parameters: readonly Parameter[];
  readonly body?: Schema;
  readonly answers: Readonly<Record<string, ReadonlyMap<string, ValidateFunction>>>;
}

/** A parameter of an operation. */
export interface Parameter {
  readonly in: "path" | "query" | "header";
  readonly name: string;
  readonly required?: boolean;
  readonly schema: Schema;
}

/** An answer, read to its end. */
export interface FuzzAnswer {
  readonly status: number;
  readonly type: string;
  readonly text: string;
}

interface Content {
  readonly content?: Readonly<Record<string, { readonly schema: Schema }>>;
}

interface Described {
  readonly parameters?: readonly Parameter[];
  readonly requestBody?: Content;
  readonly responses: Readonly<Record<string, Content>>;
}

/** The part of a document that is used here. */
interface ApiDocument {
  readonly paths: Readonly<Record<string, Readonly<Record<string, Described>>>>;
  readonly components: { readonly schemas: Schemas };
}

/** All operations of a document, with checks of their answers. */
export function operationsOf(document: ApiDocument): readonly Operation[] {
  const ajv = new Ajv2020({ strict: false, validateFormats: true });
  // deno-lint-ignore no-explicit-any -- its declarations are those of CommonJS
  (addFormats as any)(ajv);
  ajv.addSchema({ ...document, $id: "urn:carillon:api" });
  const checks = new Map<string, ValidateFunction>();

  function check(schema: Schema): ValidateFunction {
    const text = JSON.stringify(schema).replaceAll('"#/', '"urn:carillon:api#/');
    const made = checks.get(text) ?? ajv.compile(JSON.parse(text));
    checks.set(text, made);
    return made;
  }

  return Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, { parameters = [], requestBody, responses }]) => {
      const body = requestBody?.content?.["application/json"]?.schema;
      const answers = Object.entries(responses).map(([status, { content = {} }]) => {
        const types = Object.entries(content).map(([type, each]) =>
          [type, check(each.schema)] as const
        );
        return [status, new Map(types)] as const;
      });
      return {
        ...{ method: method.toUpperCase(), path, parameters },
        ...(body && { body }),
        answers: Object.fromEntries(answers),
      };
    })
  );
}

/** Asserts that an answer is one that its operation describes. */
export function assertDescribed(answer: FuzzAnswer, { answers }: Operation): void {
  const { status, type, text } = answer;
  const described = answers[status];
  assert.ok(described, `status ${status} is not described: ${text.slice(0, 300)}`);
  if (status >= 400 && described.has("application/problem+json")) return assertErrorBody(answer);
  if (described.size === 0) return assert.equal(text, "");
  const validate = described.get(type);
  assert.ok(validate, `type ${type} is not described for ${status}`);
  const value = type === "application/json" ? JSON.parse(text) : text;
  assert.ok(validate(value), `${JSON.stringify(validate.errors)}: ${text.slice(0, 300)}`);
}

/** Asserts that an answer is a problem with a known code that belongs to its status. */
export function assertErrorBody({ status, type, text }: FuzzAnswer): void {
  assert.equal(type, "application/problem+json", `${status} ${text.slice(0, 300)}`);
  const { code, detail, title, status: delivered } = JSON.parse(text);
  assert.equal(ERRORS[code as ErrorCode]?.status, status, text);
  assert.equal(delivered, status);
  assert.ok(
    typeof detail === "string" && detail.length > 0 && title === ERRORS[code as ErrorCode].title,
  );
}
