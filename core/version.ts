/** The version of this build, which nodes tell each other's operators. */

/** Semantic version; changed with each release, together with `CHANGELOG.md`. */
export const VERSION = "1.0.0-dev";
