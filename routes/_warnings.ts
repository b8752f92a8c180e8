/** Warnings about what is accepted and yet delivers nothing. They tell no detail of an operator's. */

import { OPTIONS_FILES } from "../cascade/mod.ts";
import type { TransportName } from "../core/subscription.ts";
import type { Transport } from "../core/transport.ts";

/** Where a subscription is to be sent. */
interface DeliveryPath {
  readonly transport: TransportName;
  readonly client: string;
}

/** What warnings follow from. */
interface WarningDeps {
  readonly transports: ReadonlyMap<TransportName, Pick<Transport, "serves" | "status">>;
}

/** Returns why nothing is sent these ways at present, one warning for each; empty where it is. */
export function warningsOf(
  ways: readonly DeliveryPath[],
  { transports }: WarningDeps,
): readonly string[] {
  return [...new Set(ways.flatMap((way) => warningOf(way, transports) ?? []))];
}

function warningOf(
  { transport, client }: DeliveryPath,
  transports: WarningDeps["transports"],
): string | undefined {
  const sender = transports.get(transport);
  const status = sender?.status().find((each) => each.client === client);
  if (transport === "websocket" || status?.ready) return undefined;
  if (status !== undefined) {
    return `Messages to client '${client}' over ${transport} wait: its options are faulty`;
  }
  if (sender?.serves(client)) return undefined;
  return `Cannot send to client '${client}' over ${transport}: ` +
    `${OPTIONS_FILES[transport]} has no usable entry for it`;
}
