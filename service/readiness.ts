/** What `/readyz` looks at: the store, whether the node is leaving, and each client's way out. */

import type { Clock } from "../core/clock.ts";
import { messageOf } from "../core/errors.ts";
import type { Store } from "../core/store.ts";
import type { TransportName } from "../core/subscription.ts";
import type { ClientStatus, Transport } from "../core/transport.ts";
import type { ReadinessCheck } from "../routes/mod.ts";
import type { Backend } from "./backend.ts";

/** What readiness depends on. */
export interface ReadinessDeps {
  readonly backend: Pick<Backend, "store" | "checks">;
  readonly transports: ReadonlyMap<TransportName, Transport>;
  readonly shutdown: () => boolean;
  /** Whether what was in flight before the start is still being read. */
  readonly readBack?: () => readonly ReadinessCheck[];
  readonly clock: Clock;
}

const DAY_MS = 86_400_000;

/** See the file's comment. A client whose credential is bad does not take the node out. */
export function createReadiness(
  { backend, transports, shutdown, readBack = () => [], clock }: ReadinessDeps,
): () => Promise<readonly ReadinessCheck[]> {
  function shown({ client, ready, detail, credentialExpiresAt }: ClientStatus) {
    return {
      ...{ client, ready, detail },
      ...(credentialExpiresAt !== undefined && {
        credentialDaysLeft: Math.floor((credentialExpiresAt - clock.now()) / DAY_MS),
      }),
    };
  }

  return async () => {
    const transportChecks = [...transports].map(([name, transport]): ReadinessCheck => {
      const clients = transport.status();
      return {
        name: `transport ${name}`,
        ok: clients.every(({ ready }) => ready),
        optional: true,
        ...(clients.length > 0 && { detail: clients.map(shown) }),
      };
    });
    return [
      ...await Promise.all([storeCheck(backend.store), backend.checks()]),
      { name: "in service", ok: !shutdown() },
      ...readBack(),
      ...transportChecks,
    ].flat();
  };
}

async function storeCheck(store: Store): Promise<ReadinessCheck> {
  try {
    // Written, not only read: a full disk can still be read.
    await store.commit({ sets: [{ key: ["health"], value: { v: 1 } }] });
    return { name: "store", ok: true };
  } catch (thrown) {
    return { name: "store", ok: false, detail: messageOf(thrown, 200) };
  }
}
