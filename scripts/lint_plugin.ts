/**
 * The house rules that a machine can check. `deno lint` loads this plugin (see `deno.json`); each
 * rule is switched off for a line with `// deno-lint-ignore carillon/<rule> -- why`.
 */

import { handedIn } from "./_lint_handed_in.ts";
import { layers, privateFiles } from "./_lint_layers.ts";
import { inProject } from "./_project.ts";

/** `#name` is private at run time as well, and says so wherever it is used. */
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

/** A `function` has a name in stack traces and may stand below its first use. */
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
 * Two arguments can be told apart where a function is called. After them come named options, or
 * one argument that may be left out.
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

/** `index.ts` says nothing in a list of open files; a folder's face is `mod.ts`. */
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

/** Files are `snake_case.ts`. */
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

/** Whether a parameter is an options object, an abort signal, or may be left out. */
function isOptions(parameter: Deno.lint.Parameter): boolean {
  if (parameter.type !== "Identifier") return parameter.type !== "RestElement";
  return parameter.optional || parameter.name === "signal" || /options$/i.test(parameter.name);
}
