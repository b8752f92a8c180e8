/** Several Redis servers that belong together: a Cluster, and a master with its replica and Sentinels. */

import { type RedisServer, type RedisServerOptions, startRedis } from "./redis_server.ts";
import { until } from "./until.ts";

/** A Cluster of real servers. */
export interface RedisCluster extends AsyncDisposable {
  readonly url: string;
  readonly masters: readonly RedisServer[];
  /** Each follows the master at the same place. */
  readonly replicas: readonly RedisServer[];
}

/** A master, its replica, and the Sentinels that watch over them. */
interface RedisSentinel extends AsyncDisposable {
  readonly url: string;
  readonly master: RedisServer;
  readonly replica: RedisServer;
  readonly sentinels: readonly RedisServer[];
}

const SLOTS = 16_384;
/** Milliseconds after which a server that is silent counts as gone; tests wait for it. */
const GONE_MS = 500;
/** A master waits for further replicas otherwise. */
const AT_ONCE = "repl-diskless-sync-delay 0";
const MASTER_NAME = "main";

/** Starts a Cluster whose masters have about as many slots each. */
export async function startRedisCluster(
  masters: number,
  { replicas = 0 }: { readonly replicas?: number } = {},
): Promise<RedisCluster> {
  const servers = await startAll(masters + replicas, {
    cluster: true,
    config: [`cluster-node-timeout ${GONE_MS}`, "cluster-replica-validity-factor 0", AT_ONCE],
  });
  const cluster: RedisCluster = {
    url: `redis+cluster://${servers.slice(0, 2).map(hostOf).join(",")}`,
    masters: servers.slice(0, masters),
    replicas: servers.slice(masters),
    [Symbol.asyncDispose]: () => disposeAll(servers),
  };
  try {
    await join(cluster);
    return cluster;
  } catch (thrown) {
    await cluster[Symbol.asyncDispose]();
    throw thrown;
  }
}

/** Starts a master with one replica, and Sentinels that replace it soon after it has gone. */
export async function startRedisSentinel(
  { sentinels: count = 1, config = [] }: {
    readonly sentinels?: number;
    readonly config?: readonly string[];
  } = {},
): Promise<RedisSentinel> {
  const common = [AT_ONCE, ...config];
  const servers = await startAll(1, { config: common });
  try {
    const master = servers[0]!;
    const replica = await startRedis({
      config: [`replicaof 127.0.0.1 ${master.port}`, ...common],
    });
    servers.push(replica);
    const watch = [
      `sentinel monitor ${MASTER_NAME} 127.0.0.1 ${master.port} ${Math.floor(count / 2) + 1}`,
      `sentinel down-after-milliseconds ${MASTER_NAME} ${GONE_MS}`,
      `sentinel failover-timeout ${MASTER_NAME} 2000`,
    ];
    const sentinels: RedisServer[] = [];
    for (let n = 0; n < count; n++) {
      const sentinel = await startRedis({ sentinel: true, config: watch });
      servers.push(sentinel);
      sentinels.push(sentinel);
    }
    await until("the replica follows the master", async () => {
      return (await replica.cli("info", "replication")).includes("master_link_status:up");
    });
    for (const sentinel of sentinels) {
      // Otherwise it would look at the servers every ten seconds; older versions do.
      await sentinel.cli("sentinel", "debug", "info-period", 200);
      await until("the Sentinel knows the replica", async () => {
        const known = await sentinel.cli("sentinel", "replicas", MASTER_NAME);
        return known.includes(String(replica.port));
      });
    }
    return {
      url: `redis+sentinel://${sentinels.map(hostOf).join(",")}/${MASTER_NAME}`,
      master,
      replica,
      sentinels,
      [Symbol.asyncDispose]: () => disposeAll(servers),
    };
  } catch (thrown) {
    await disposeAll(servers);
    throw thrown;
  }
}

async function startAll(count: number, options: RedisServerOptions): Promise<RedisServer[]> {
  const started = await Promise.allSettled(
    Array.from({ length: count }, () => startRedis(options)),
  );
  const servers = started.flatMap((one) => one.status === "fulfilled" ? [one.value] : []);
  const failed = started.find((one) => one.status === "rejected");
  if (failed === undefined) return servers;
  await disposeAll(servers);
  throw failed.reason;
}

async function join({ masters, replicas }: RedisCluster): Promise<void> {
  const all = [...masters, ...replicas];
  await Promise.all(masters.map(async (master, n) => {
    const first = Math.floor(n * SLOTS / masters.length);
    const last = Math.floor((n + 1) * SLOTS / masters.length) - 1;
    await master.cli("cluster", "addslotsrange", first, last);
    // Without epochs of their own they would argue about who is right.
    await master.cli("cluster", "set-config-epoch", n + 1);
  }));
  const [first, ...others] = all;
  for (const { port, busPort } of others) {
    await first!.cli("cluster", "meet", "127.0.0.1", port, busPort);
  }
  await Promise.all(all.map((server) =>
    until("everybody knows everybody", async () => {
      const nodes = await server.cli("cluster", "nodes");
      return nodes.split("\n").length === all.length && !nodes.includes("handshake");
    })
  ));
  await Promise.all(replicas.map(async (replica, n) => {
    const id = await masters[n % masters.length]!.cli("cluster", "myid");
    await replica.cli("cluster", "replicate", id);
  }));
  await Promise.all(all.map((server) =>
    until("the Cluster works", async () => {
      return (await server.cli("cluster", "info")).includes("cluster_state:ok");
    })
  ));
  await Promise.all(replicas.map((replica) =>
    until("the replica follows its master", async () => {
      return (await replica.cli("info", "replication")).includes("master_link_status:up");
    })
  ));
}

function hostOf({ port }: RedisServer): string {
  return `127.0.0.1:${port}`;
}

async function disposeAll(servers: readonly RedisServer[]): Promise<void> {
  await Promise.all(servers.map((server) => server[Symbol.asyncDispose]()));
}
