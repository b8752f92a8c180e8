/**
 * Writes `docs/cli.md` from the definitions of the command line, so that help, completions and
 * documentation say the same. With `--check` it writes nothing and fails where the page differs.
 */

import { referencePage } from "../cli/reference.ts";
import { formatMarkdown, writeGenerated } from "./_generated.ts";

await writeGenerated("docs/cli.md", await formatMarkdown(referencePage()));
