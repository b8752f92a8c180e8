/**
 * The lint plugin with the project's rules, which `deno lint` loads (see `deno.json`). A comment
 * `// deno-lint-ignore carillon/<rule> -- why` switches a rule off for a line. Rules that need several
 * files are in `check_names.ts`.
 */

import { handedIn } from "./_lint_handed_in.ts";
import { layers, privateFiles } from "./_lint_layers.ts";
import { inProject } from "./_project.ts";

/** Requires `#name` for private members, which are private at run time, too. */
const noPrivateKeyword: Deno.lint.Rule = {
  create(context) {
    function report(node: Deno.lint.Node) {
      context.report({ node, message: "Use '#name' in place of the 'private' keyword" });
    }
    return {
      PropertyDefinition: (node) => node.accessibility === "private" && report(node),
      MethodDefinition: (node) => node.accessibility === "private" && report(node),
      TSParameterProperty: (node) =>
        /^private\b/.test(context.sourceCode.getText(node)) && report(node),
    };
  },
};

/** Requires `function` at the top level: it has a name in stack traces and is hoisted. */
const topLevelFunction: Deno.lint.Rule = {
  create(context) {
    function check(node: Deno.lint.VariableDeclaration) {
      for (const { id, init } of node.declarations) {
        const isFunction = init?.type === "ArrowFunctionExpression" ||
          init?.type === "FunctionExpression";
        if (!isFunction) continue;
        const name = id.type === "Identifier" ? id.name : "it";
        context.report({ node, message: `Declare '${name}' with 'function'` });
      }
    }
    return {
      "Program > VariableDeclaration": check,
      "Program > ExportNamedDeclaration > VariableDeclaration": check,
    };
  },
};

/**
 * Allows two positional arguments, and after them an options object or one optional argument: a
 * reader of a call cannot tell more arguments apart.
 */
const maxTwoArguments: Deno.lint.Rule = {
  create(context) {
    return {
      "ExportNamedDeclaration > FunctionDeclaration"(node: Deno.lint.FunctionDeclaration) {
        const [, , third, ...more] = node.params;
        if (third === undefined || (isOptions(third) && more.length === 0)) return;
        context.report({
          node,
          message:
            `'${node.id?.name}' needs more than two arguments: name the rest in an options object`,
        });
      },
    };
  },
};

/** Requires `mod.ts` instead of `index.ts`. */
const noIndexTs: Deno.lint.Rule = {
  create(context) {
    return {
      Program(node) {
        if (!/(^|\/)index\.[jt]sx?$/.test(inProject(context.filename))) return;
        context.report({ node, message: "Name it 'mod.ts'" });
      },
    };
  },
};

const FILE_NAME = /^_?[a-z0-9]+(_[a-z0-9]+)*(\.d)?\.[cm]?[jt]sx?$/;

/** Requires file names in `snake_case.ts`. */
const naming: Deno.lint.Rule = {
  create(context) {
    return {
      Program(node) {
        const name = inProject(context.filename).split("/").at(-1) ?? "";
        if (FILE_NAME.test(name)) return;
        context.report({ node, message: `Name the file in snake_case: received '${name}'` });
      },
    };
  },
};

export default {
  name: "carillon",
  rules: {
    layers,
    "private-files": privateFiles,
    "handed-in": handedIn,
    "no-private-keyword": noPrivateKeyword,
    "top-level-function": topLevelFunction,
    "max-two-arguments": maxTwoArguments,
    "no-index-ts": noIndexTs,
    naming,
  },
} satisfies Deno.lint.Plugin;

/** Whether a parameter is an options object, an abort signal, or optional. */
function isOptions(parameter: Deno.lint.Parameter): boolean {
  if (parameter.type !== "Identifier") return parameter.type !== "RestElement";
  return parameter.optional || parameter.name === "signal" || /options$/i.test(parameter.name);
}
