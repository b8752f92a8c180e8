/**
 * The slots of a Cluster: which one a key is in, and which server has which. Pure.
 * https://redis.io/docs/latest/operate/oss_and_stack/reference/cluster-spec/
 */

import { type HostPort, nameOf } from "./address.ts";
import type { Reply } from "../link.ts";

/** How many slots every Cluster has. */
export const SLOTS = 16_384;

/** The masters of a Cluster. */
export interface SlotMap {
  /** By name (`host:port`). */
  readonly masters: ReadonlyMap<string, HostPort>;
  /** The name of the master of each slot; a hole where nobody has it. */
  readonly owners: readonly (string | undefined)[];
}

const encoder = new TextEncoder();

/** The slot of a key: of what is between its first braces, if that is anything, else of it all. */
export function slotOf(key: string): number {
  const open = key.indexOf("{");
  const close = open < 0 ? -1 : key.indexOf("}", open + 1);
  const hashed = close > open + 1 ? key.slice(open + 1, close) : key;
  return crc16(encoder.encode(hashed)) % SLOTS;
}

/**
 * What `CLUSTER SLOTS` says: `[first, last, [host, port, …], …replicas]` for each range. A server
 * that does not know its own address leaves it empty; it is the one that was asked then.
 */
export function slotMapOf(reply: Reply, asked: HostPort): SlotMap {
  const masters = new Map<string, HostPort>();
  const owners: (string | undefined)[] = new Array(SLOTS).fill(undefined);
  for (const range of list(reply)) {
    const [first, last, master] = list(range);
    const [host, port] = list(master ?? null);
    const at = {
      host: typeof host === "string" && host !== "" && host !== "?" ? host : asked.host,
      port: Number(port),
    };
    const name = nameOf(at);
    masters.set(name, at);
    owners.fill(name, Number(first), Number(last) + 1);
  }
  return { masters, owners };
}

/** Whether somebody has every slot. */
export function isWhole({ owners }: SlotMap): boolean {
  return !owners.includes(undefined);
}

function list(reply: Reply): readonly Reply[] {
  return Array.isArray(reply) ? reply : [];
}

/** CRC-16/XMODEM: polynomial 0x1021, nothing reflected. */
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
