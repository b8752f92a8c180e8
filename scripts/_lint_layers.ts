/**
 * The lint rules about imports: a table says which folder may import which, and a file whose name
 * begins with `_` is private to its folder. The rules check relative imports only, not packages.
 */

import { folderOf, imported, inProject } from "./_project.ts";

/** What a folder may import besides itself. `types:` allows `import type` only. */
const LAYERS: Readonly<Record<string, readonly string[] | "anything">> = {
  core: [],
  store: ["core"],
  cascade: ["core"],
  auth: ["core"],
  messages: ["core"],
  transports: ["core"],
  realtime: ["core"],
  events: ["core"],
  subscriptions: ["core"],
  inbox: ["core"],
  buffer: ["core"],
  // What several nodes share; only `service/` imports it.
  redis: ["core", "store", "buffer"],
  delivery: ["core", "cascade", "subscriptions", "messages", "inbox", "types:buffer"],
  // The place beside an Open-Xchange middleware: its webhooks are published, its sessions checked.
  open_xchange: ["core", "delivery"],
  routes: [
    "core",
    "auth",
    "cascade",
    "subscriptions",
    "delivery",
    "inbox",
    "open_xchange",
    "types:buffer",
  ],
  // Pages over the API, which it calls within the process; it has no rules of delivery.
  console: ["core"],
  simulator: ["core"],
  // Judges a set-up from outside; its probes open what the service opens.
  doctor: ["core", "cascade", "store", "redis", "transports"],
  // The command line, which is a process of its own.
  cli: "anything",
  // The composition root, which `main.ts` starts.
  service: "anything",
  // The process itself, and code that is not part of the product.
  "": "anything",
  tests: "anything",
  bench: "anything",
  chaos: "anything",
  scripts: "anything",
  // What others paste: it knows the service by its API alone.
  examples: [],
  // A package of its own.
  clients: [],
};

/** Reports imports that {@link LAYERS} does not allow. */
export const layers: Deno.lint.Rule = {
  create(context) {
    return eachImport(context, (node, target, typesOnly) => {
      const from = folderOf(inProject(context.filename));
      const to = folderOf(target);
      if (from === to) return;
      const allowed = LAYERS[from];
      if (allowed === "anything") return;
      if (allowed === undefined) {
        context.report({ node, message: `The folder '${from}' is not in the table of layers` });
      } else if (!allowed.includes(to) && !(typesOnly && allowed.includes(`types:${to}`))) {
        const typesWould = allowed.includes(`types:${to}`);
        context.report({
          node,
          message: typesWould
            ? `'${from}' may import only types from '${to}'`
            : `'${from}' must not import from '${to === "" ? target : to}'`,
          hint: "The table is in scripts/_lint_layers.ts",
        });
      }
    });
  },
};

/** Reports imports of another folder's `_private.ts` files; tests may import any file. */
export const privateFiles: Deno.lint.Rule = {
  create(context) {
    return eachImport(context, (node, target) => {
      const from = inProject(context.filename);
      if (folderOf(from) === "tests" || folderOf(from) === "bench") return;
      const slash = target.lastIndexOf("/");
      if (!target.slice(slash + 1).startsWith("_")) return;
      if (from.slice(0, from.lastIndexOf("/")) === target.slice(0, slash)) return;
      context.report({ node, message: `'${target}' is private to its folder` });
    });
  },
};

type Visit = (node: Deno.lint.Node, target: string, typesOnly: boolean) => void;

function eachImport(context: Deno.lint.RuleContext, visit: Visit): Deno.lint.LintVisitor {
  function check(node: Deno.lint.Node, source: unknown, typesOnly: boolean) {
    if (typeof source !== "string" || !source.startsWith(".")) return;
    visit(node, imported(inProject(context.filename), source), typesOnly);
  }
  return {
    ImportDeclaration: (node) => check(node, node.source.value, node.importKind === "type"),
    ExportAllDeclaration: (node) => check(node, node.source.value, node.exportKind === "type"),
    ExportNamedDeclaration: (node) => check(node, node.source?.value, node.exportKind === "type"),
    ImportExpression: (node) =>
      check(node, node.source.type === "Literal" ? node.source.value : undefined, false),
  };
}
