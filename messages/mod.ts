/** From notifications to messages: built-in ones by topic, and templates that change them. */

export { createMessageGenerator, type MessageGenerator, type MessageOptions } from "./generator.ts";
export { compileTemplates } from "./compile_templates.ts";
export { NO_TEMPLATES, type Templates } from "./template_index.ts";
