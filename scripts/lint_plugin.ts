/**
 * The lint plugin with the project's rules, which `deno lint` loads (see `deno.json`). A comment
 * `// deno-lint-ignore carillon/<rule> -- why` switches a rule off for a line. Rules that need several
 * files are in `check_names.ts`.
 */

import { handedIn } from "./_lint_handed_in.ts";
import { layers, privateFiles } from "./_lint_layers.ts";
import { folderOf, inProject } from "./_project.ts";

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

const FILE_NAME = /^_?[a-z0-9]+(_[a-z0-9]+)*(\.d)?\.[cm]?[jt]sx?$/;
const MAX_LINES = 300;
const MAX_TEST_LINES = 400;
/** Files that may be longer, because they are generated. */
const GENERATED: readonly string[] = ["clients/js/src/schema.ts"];

/** Requires `mod.ts` instead of `index.ts`. */
const noIndexTs = fileRule((path) =>
  /(^|\/)index\.[jt]sx?$/.test(path) ? "Name it 'mod.ts'" : undefined
);

/** Requires file names in `snake_case.ts`. */
const naming = fileRule((path) => {
  const name = path.split("/").at(-1) ?? "";
  return FILE_NAME.test(name) ? undefined : `Name the file in snake_case: received '${name}'`;
});

/** Requires files that can be read at once. */
const maxLines = fileRule((path, text) => {
  const limit = folderOf(path) === "tests" ? MAX_TEST_LINES : MAX_LINES;
  const lines = text.split("\n").length - 1;
  const isLong = lines > limit && !GENERATED.includes(path);
  return isLong ? `Split the file: it has ${lines} lines, more than ${limit}` : undefined;
});

/** Creates a rule from a function that returns what is wrong with a file, if anything. */
function fileRule(faultOf: (path: string, text: string) => string | undefined): Deno.lint.Rule {
  return {
    create(context) {
      return {
        Program() {
          const message = faultOf(inProject(context.filename), context.sourceCode.text);
          if (message !== undefined) context.report({ range: [0, 0], message });
        },
      };
    },
  };
}

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
    "max-lines": maxLines,
  },
} satisfies Deno.lint.Plugin;

/** Whether a parameter is an options object, an abort signal, or optional. */
function isOptions(parameter: Deno.lint.Parameter): boolean {
  if (parameter.type !== "Identifier") return parameter.type !== "RestElement";
  return parameter.optional || parameter.name === "signal" || /options$/i.test(parameter.name);
}
