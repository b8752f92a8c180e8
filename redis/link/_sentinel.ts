/** Finds the master that Sentinels watch over, whoever that is at the moment. */

import { messageOf } from "../../core/errors.ts";
import { askOnce } from "./_client.ts";
import type { Send } from "./_connection.ts";
import { OneRoute, type RoutesOptions } from "./_routes.ts";
import { type HostPort, nameOf, type RedisAddress } from "./address.ts";
import type { Reply } from "../link.ts";

/** The route to the master of an address with Sentinels. */
export function masterRoute(address: RedisAddress, options: RoutesOptions): OneRoute {
  const { clock, access, timeoutMs } = options;
  const { masterName, sentinelCredentials: credentials } = address;
  /** The one that answered last comes first. */
  let sentinels = address.hosts;

  async function find(): Promise<HostPort> {
    const failures: string[] = [];
    for (const sentinel of sentinels) {
      try {
        const reply = await askOnce(sentinel, {
          ...access,
          credentials,
          database: 0,
          clock,
          timeoutMs,
          command: ["SENTINEL", "GET-MASTER-ADDR-BY-NAME", masterName],
        });
        const master = masterOf(reply);
        sentinels = [sentinel, ...sentinels.filter((other) => other !== sentinel)];
        return master;
      } catch (thrown) {
        failures.push(`${nameOf(sentinel)}: ${messageOf(thrown, 100)}`);
      }
    }
    throw new Error(`no Sentinel names the master: ${failures.join("; ")}`);
  }

  return new OneRoute({ ...options, find, check: isMaster });
}

/** What `SENTINEL GET-MASTER-ADDR-BY-NAME` answers: host and port, or nil. */
export function masterOf(reply: Reply): HostPort {
  if (!Array.isArray(reply)) throw new Error("it knows no master of this name");
  const [host, port] = reply;
  return { host: String(host), port: Number(port) };
}

/** A Sentinel may name a server for a while that has been a replica since. */
async function isMaster(send: Send): Promise<void> {
  const role = await send(["ROLE"]);
  if (!Array.isArray(role) || role[0] !== "master") throw new Error("it is not the master");
}
