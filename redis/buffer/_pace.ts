/** How fast a node claims notifications and returns them. */

/** Notifications of one context that are claimed before the next context's. */
export const QUOTA = 16;
/** Jobs that may wait for each processor; further notifications stay where all nodes can claim them. */
export const JOBS_AHEAD = 16;
/** About how long a released notification waits. */
export const RELEASE_PAUSE_MS = 1_000;
