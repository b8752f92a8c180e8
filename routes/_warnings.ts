/** Warnings for requests that are accepted but currently deliver nothing; without internal details. */

import { OPTIONS_FILES } from "../cascade/mod.ts";
import type { TransportName } from "../core/subscription.ts";
import type { Transport } from "../core/transport.ts";

interface DeliveryPath {
  readonly transport: TransportName;
  readonly client: string;
}

interface WarningDeps {
  readonly transports: ReadonlyMap<TransportName, Pick<Transport, "serves" | "status">>;
}

/** Returns one warning for each target that currently receives nothing. */
export function warningsOf(
  targets: readonly DeliveryPath[],
  { transports }: WarningDeps,
): readonly string[] {
  return [...new Set(targets.flatMap((each) => warningOf(each, transports) ?? []))];
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
