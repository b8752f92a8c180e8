/** A boolean in the options of a client, as `zod` checks it. */

import { z } from "zod";
import { readYamlBoolean } from "../../core/yaml_boolean.ts";

/** Takes a boolean, or a text that YAML 1.1 reads as one, such as `yes` and `off`. */
export const flag = z.union([z.boolean(), z.string()]).transform((value, context): boolean => {
  const read = typeof value === "boolean" ? value : readYamlBoolean(value);
  if (read !== undefined) return read;
  context.addIssue("must be true or false");
  return z.NEVER;
});
