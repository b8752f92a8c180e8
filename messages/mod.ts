/** Creates messages from notifications: a built-in one per topic, changed by templates. */

export {
  createMessageGenerator,
  type MessageOptions,
  type TemplateLanguages,
} from "./generator.ts";
export { compileTemplates } from "./compile_templates.ts";
export { NO_TEMPLATES } from "./template_index.ts";
