/** A link to a real server whose time a test may set. */

import { systemClock } from "../../core/clock.ts";
import { openLink } from "../../redis/link/open.ts";
import type { RedisLink } from "../../redis/link.ts";

/** Opens a link on the machine's own time; `now` takes the place of what the server's clock says. */
export async function openTestLink(url: string, now?: () => number): Promise<RedisLink> {
  const link: RedisLink = await openLink(url, { clock: systemClock, random: Math.random });
  if (now !== undefined) Object.defineProperty(link, "now", { value: now });
  return link;
}
