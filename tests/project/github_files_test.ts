/** What GitHub reads: workflows, the forms of issues, and the template of pull requests. */

import assert from "node:assert/strict";
import { parse } from "yaml";
import { exists, filesBelow, readText, ROOT } from "./_files.ts";

interface Step {
  readonly uses?: string;
  readonly run?: string;
}

interface Workflow {
  readonly name: string;
  readonly on: Readonly<Record<string, unknown>>;
  readonly jobs: Readonly<Record<string, { readonly uses?: string; readonly steps?: Step[] }>>;
}

interface Field {
  readonly type: string;
  readonly id?: string;
  readonly attributes: {
    readonly label?: string;
    readonly value?: string;
    readonly options?: readonly unknown[];
  };
  readonly validations?: { readonly required: boolean };
}

interface Form {
  readonly name: string;
  readonly description: string;
  readonly body: readonly Field[];
}

/** Files that a workflow's own steps make, or that a running service answers with. */
const MADE = new Set(["notes.md", "openapi.json"]);
const FILE = /(?<![\w/.-])(?:\.?[\w-]+\/)*[\w-]+\.(?:md|json|ts)\b/g;

function workflows(): Promise<readonly string[]> {
  return filesBelow(".github/workflows/", ".yml");
}

async function forms(): Promise<readonly string[]> {
  return (await filesBelow(".github/ISSUE_TEMPLATE/", ".yml"))
    .filter((path) => !path.endsWith("/config.yml"));
}

Deno.test("every YAML file for GitHub is valid YAML", async () => {
  const paths = await filesBelow(".github/", ".yml");
  assert.ok(paths.length >= 5, paths.join());
  for (const path of paths) assert.equal(typeof parse(await readText(path)), "object", path);
});

Deno.test("workflows call only workflows and commands of the repository that exist", async () => {
  for (const path of await workflows()) {
    const text = await readText(path);
    const { jobs } = parse(text) as Workflow;
    for (const { uses, steps = [] } of Object.values(jobs)) {
      if (uses !== undefined) assert.ok(await exists(uses), `${path}: ${uses}`);
      assert.ok(uses !== undefined || steps.length > 0, path);
    }
    for (const [file] of text.matchAll(FILE)) {
      const name = file.slice(file.lastIndexOf("/") + 1);
      assert.ok(MADE.has(name) || await exists(file), `${path}: ${file}`);
    }
  }
});

Deno.test("a push and a pull request run what a change must pass, and so does a release", async () => {
  const ci = parse(await readText(".github/workflows/ci.yml")) as Workflow;
  assert.deepEqual(Object.keys(ci.on), ["push", "pull_request", "workflow_call"]);
  assert.ok(ci.jobs.test!.steps!.some(({ run }) => run === ".ci/run"));
  const { mode } = await Deno.stat(new URL(".ci/run", ROOT));
  assert.ok(mode! & 0o100, ".ci/run is not executable");
  const release = parse(await readText(".github/workflows/release.yml")) as Workflow;
  assert.equal(release.jobs.test!.uses, "./.github/workflows/ci.yml");
  assert.ok(release.jobs.image!.steps!.some(({ run }) => run?.includes("docker build")));
});

Deno.test("the forms of issues have the shape that GitHub takes", async () => {
  const types = new Set(["markdown", "textarea", "input", "dropdown", "checkboxes"]);
  for (const path of await forms()) {
    const { name, description, body } = parse(await readText(path)) as Form;
    assert.ok(name.length > 3 && description.length > 0, path);
    const ids = body.flatMap(({ id }) => id ?? []);
    assert.equal(new Set(ids).size, ids.length, path);
    for (const { type, id, attributes } of body) {
      assert.ok(types.has(type), `${path}: ${type}`);
      if (type === "markdown") assert.ok(attributes.value, path);
      else assert.ok(id && attributes.label, `${path}: ${id}`);
      const chooses = type === "dropdown" || type === "checkboxes";
      assert.equal((attributes.options?.length ?? 0) > 0, chooses, `${path}: ${id}`);
    }
  }
});

Deno.test("the form for bugs asks for what an answer needs", async () => {
  const { body } = parse(await readText(".github/ISSUE_TEMPLATE/bug.yml")) as Form;
  const ids = new Set(body.map(({ id }) => id));
  for (
    const id of [
      ...["what", "version", "topology", "store", "proxy", "client"],
      ...["configuration", "readyz", "log"],
    ]
  ) assert.ok(ids.has(id), id);
  const required = body.filter(({ validations }) => validations?.required).map(({ id }) => id);
  assert.deepEqual(required, ["what", "version", "topology", "store", "proxy"]);
});

Deno.test("forms and template name only pages that exist", async () => {
  let count = 0;
  for (const path of [...await forms(), ".github/pull_request_template.md"]) {
    for (const [file] of (await readText(path)).matchAll(FILE)) {
      count++;
      assert.ok(MADE.has(file) || await exists(file), `${path}: ${file}`);
    }
  }
  assert.ok(count >= 5, String(count));
});
