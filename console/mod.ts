/**
 * The console for operators: pages that the service renders, over the API. It decides nothing about
 * delivery: what it shows and does, it asks the API, as the principal who is signed in.
 */

export { createConsole } from "./console.tsx";
export { Issuer } from "./issuer.ts";
export { ConsoleSessions } from "./sessions.ts";
export { LiveFeed } from "./live.ts";
export { Tickets } from "./tickets.ts";
