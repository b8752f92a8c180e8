export default { name: "carillon", rules: {} } satisfies Deno.lint.Plugin;
