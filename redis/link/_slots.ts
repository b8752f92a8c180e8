/**
 * The slots of a Cluster: which slot a key has, and which server has a slot. Pure.
 * https://redis.io/docs/latest/operate/oss_and_stack/reference/cluster-spec/
 */

import { type HostPort, nameOf } from "./address.ts";
import { listOf, type Reply } from "../link.ts";

/** The number of slots of every Cluster. */
const SLOTS = 16_384;

/** The masters of a Cluster and their slots. */
export interface SlotMap {
  /** Addresses by name (`host:port`). */
  readonly masters: ReadonlyMap<string, HostPort>;
  /** The name of the master of each slot; `undefined` where no server has it. */
  readonly owners: readonly (string | undefined)[];
}

const encoder = new TextEncoder();

/** Returns the slot of a key: that of its hash tag (`{…}`) if it has one. */
export function slotOf(key: string): number {
  const open = key.indexOf("{");
  const close = open < 0 ? -1 : key.indexOf("}", open + 1);
  const hashed = close > open + 1 ? key.slice(open + 1, close) : key;
  return crc16(encoder.encode(hashed)) % SLOTS;
}

/**
 * Parses the reply to `CLUSTER SLOTS`: `[first, last, [host, port, …], …replicas]` for each range.
 * An empty host means the server that replied.
 */
export function slotMapOf(reply: Reply, server: HostPort): SlotMap {
  const masters = new Map<string, HostPort>();
  const owners: (string | undefined)[] = new Array(SLOTS).fill(undefined);
  for (const range of listOf(reply)) {
    const [first, last, master] = listOf(range);
    const [host, port] = listOf(master);
    const at = {
      host: typeof host === "string" && host !== "" && host !== "?" ? host : server.host,
      port: Number(port),
    };
    const name = nameOf(at);
    masters.set(name, at);
    owners.fill(name, Number(first), Number(last) + 1);
  }
  return { masters, owners };
}

/** Whether every slot has a master. */
export function isWhole({ owners }: SlotMap): boolean {
  return !owners.includes(undefined);
}

/** CRC-16/XMODEM: polynomial 0x1021, not reflected. */
function crc16(bytes: Uint8Array): number {
  let crc = 0;
  for (const byte of bytes) {
    crc ^= byte << 8;
    for (let bit = 0; bit < 8; bit++) {
      crc = crc & 0x8000 ? (crc << 1 ^ 0x1021) & 0xffff : crc << 1;
    }
  }
  return crc;
}
