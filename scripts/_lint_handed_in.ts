/**
 * The lint rule for injected dependencies: modules receive time, randomness, the network, the
 * environment and the console as arguments, so that tests control them.
 */

import { folderOf, inProject } from "./_project.ts";

/** Files and folders that may use these globals and inject them. */
const FREE_FILES = new Set([
  "main.ts",
  "core/clock.ts",
  "simulator/command.ts",
  "simulator/main.ts",
  "simulator/middleware_main.ts",
]);
const FREE_FOLDERS = new Set([
  "store",
  "service",
  "tests",
  "bench",
  "chaos",
  "scripts",
  "examples",
  "clients",
  "cli",
]);

/** Files whose purpose is such access, and the globals that they may use. */
const EXCEPTIONS: Readonly<Record<string, readonly string[]>> = {
  "cascade/deno_config_files.ts": [
    "Deno.readTextFile",
    "Deno.readFile",
    "Deno.readDir",
    "Deno.watchFs",
    "Deno.stat",
  ],
};

/** Folders in which sockets are accepted. */
const SOCKET_FOLDERS = new Set(["realtime", "simulator"]);
const SOCKETS = new Set(["Deno.serve", "Deno.upgradeWebSocket", "Deno.listen", "Deno.listenTls"]);

const CALLS = new Set(["fetch", "setTimeout", "setInterval"]);
const MEMBERS = new Set(["Date.now", "Math.random", "performance.now"]);
/** Members of `Deno` that touch nothing outside the process. */
const PURE_DENO = new Set(["Deno.errors", "Deno.inspect", "Deno.version", "Deno.build"]);

/** Reports globals that should be injected. */
export const handedIn: Deno.lint.Rule = {
  create(context) {
    const file = inProject(context.filename);
    if (FREE_FILES.has(file) || FREE_FOLDERS.has(folderOf(file))) return {};
    // Browsers run these.
    if (file.startsWith("console/static/")) return {};
    if (file.startsWith("doctor/probes/")) return {};
    function report(node: Deno.lint.Node, name: string) {
      if (EXCEPTIONS[file]?.includes(name)) return;
      if (SOCKETS.has(name) && SOCKET_FOLDERS.has(folderOf(file))) return;
      context.report({ node, message: `'${name}' must be handed in` });
    }
    return {
      MemberExpression(node) {
        if (node.object.type !== "Identifier" || node.property.type !== "Identifier") return;
        const object = node.object.name;
        const name = `${object}.${node.property.name}`;
        const bad = MEMBERS.has(name) || object === "console" ||
          (object === "Deno" && !PURE_DENO.has(name)) ||
          (object === "globalThis" && CALLS.has(node.property.name));
        if (bad && !isBound(object, [node, ...context.sourceCode.getAncestors(node)])) {
          report(node, name);
        }
      },
      CallExpression(node) {
        if (node.callee.type !== "Identifier" || !CALLS.has(node.callee.name)) return;
        const { name } = node.callee;
        if (!isBound(name, context.sourceCode.getAncestors(node))) report(node, name);
      },
      NewExpression(node) {
        if (node.callee.type === "Identifier" && node.callee.name === "Date") {
          if (node.arguments.length === 0) report(node, "new Date()");
        }
      },
    };
  },
};

/** Whether one of the enclosing functions, blocks or modules declares the name. */
function isBound(name: string, ancestors: readonly Deno.lint.Node[]): boolean {
  return ancestors.some((node) => {
    const declared = [
      ...("params" in node && Array.isArray(node.params) ? node.params : []),
      ...("body" in node && Array.isArray(node.body) ? node.body : []),
    ];
    return declared.some((candidate) => declares(candidate, name));
  });
}

/** Whether a parameter, pattern or declaration declares the name. */
function declares(node: unknown, name: string): boolean {
  if (typeof node !== "object" || node === null || !("type" in node)) return false;
  const any = node as Deno.lint.Node;
  switch (any.type) {
    case "Identifier":
      return any.name === name;
    case "AssignmentPattern":
      return declares(any.left, name);
    case "RestElement":
      return declares(any.argument, name);
    case "ObjectPattern":
      return any.properties.some((property) =>
        declares(property.type === "Property" ? property.value : property, name)
      );
    case "ArrayPattern":
      return any.elements.some((element) => declares(element, name));
    case "VariableDeclaration":
      return any.declarations.some((declaration) => declares(declaration.id, name));
    case "FunctionDeclaration":
      return any.id?.name === name;
    case "ImportDeclaration":
      return any.specifiers.some((specifier) => specifier.local.name === name);
    default:
      return false;
  }
}
