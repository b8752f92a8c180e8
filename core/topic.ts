/**
 * Topic names and the patterns that subscribe to them, with the original's syntax: letters,
 * digits, `_`, `-` and `:`; a pattern may be `*` or end in `:*`.
 */

const NAME = /^[A-Za-z0-9_-]+(?::[A-Za-z0-9_-]+)*$/;
const MAX_LENGTH = 255;

/** Returns why `pattern` is not a valid topic or pattern; undefined where it is valid. */
export function topicFault(pattern: string): string | undefined {
  if (pattern.trim() === "") return "a topic must not be empty";
  if (pattern.length > MAX_LENGTH) return `a topic has at most ${MAX_LENGTH} characters`;
  if (pattern === "*") return undefined;
  const name = pattern.endsWith(":*") ? pattern.slice(0, -2) : pattern;
  if (name === "") return "a wildcard needs a name before ':*'";
  if (name.includes("*")) return "a wildcard stands alone or at the end, after a colon";
  if (name.startsWith(":") || name.endsWith(":")) return "a topic must not begin or end with ':'";
  if (name.includes("::")) return "a topic must not contain '::'";
  if (!NAME.test(name)) return "a topic is made of letters, digits, '_', '-' and ':'";
  return undefined;
}

/** Whether a pattern contains a wildcard, so that it can be subscribed to but not published to. */
export function isWildcard(pattern: string): boolean {
  return pattern.endsWith("*");
}

/** Whether a valid pattern matches a topic: `ox:*` matches `ox:mail:new`, but not `ox`. */
export function topicMatches(pattern: string, topic: string): boolean {
  if (pattern === "*" || pattern === topic) return true;
  return pattern.endsWith(":*") && topic.startsWith(pattern.slice(0, -1));
}

/** Whether any of the patterns matches the topic. */
export function topicsMatch(patterns: readonly string[], topic: string): boolean {
  return patterns.some((pattern) => topicMatches(pattern, topic));
}
