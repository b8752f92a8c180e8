/**
 * Reports of clients about a notification, from sockets and from apps that have its receipt token.
 * Each kind is written to the ledger once for each socket, and the first of each client goes to the
 * publisher as feedback. A
 * report that comes before the record is written waits for it a few seconds.
 */

import type { LedgerName } from "../buffer/mod.ts";
import type { Clock } from "../core/clock.ts";
import { ServiceError } from "../core/errors.ts";
import type { Receipt, ReceiptKind } from "../core/ledger.ts";
import type { DeferredReceipts } from "./deferred_receipts.ts";
import type { Feedback } from "./feedback.ts";
import type { Ledger } from "./ledger.ts";
import type { ReceiptTokens } from "./receipt_tokens.ts";

/** What taking reports needs. */
interface ReportsOptions {
  readonly ledger: Pick<Ledger, "receive">;
  readonly receipts: Pick<DeferredReceipts, "add">;
  readonly feedback: Pick<Feedback, "enqueue">;
  readonly tokens: ReceiptTokens;
  readonly clock: Pick<Clock, "now">;
}

/** Takes reports. */
export interface Reports {
  /** A client acknowledged an event, without `id` by a request. The ledger has it soon. */
  fromSocket(
    name: LedgerName,
    socket: { readonly client: string; readonly id?: string },
    kind: ReceiptKind,
  ): void;
  /**
   * An app reported a notification with its token.
   *
   * @param find finds whose notification it is
   * @throws {ServiceError} `forbidden` where the token is another notification's, `not_found`
   */
  fromApp(
    report: { readonly id: string; readonly token: string; readonly kind: ReceiptKind },
    find: (id: string) => Promise<LedgerName | undefined>,
  ): Promise<void>;
  /** Writes a report; false where there is no record, or none yet. */
  write(name: LedgerName, receipt: Receipt): Promise<boolean>;
}

/** Makes {@link Reports}. */
export function createReports(options: ReportsOptions): Reports {
  const { ledger, receipts, feedback, tokens, clock } = options;

  async function write(name: LedgerName, receipt: Receipt): Promise<boolean> {
    const outcome = await ledger.receive(name, receipt);
    if (outcome === "new") {
      const { id: notification, context, user } = name;
      await feedback.enqueue(`notification.${receipt.kind}`, {
        ...{ notification, context, user },
        ...(receipt.client !== undefined && { client: receipt.client }),
      });
    }
    return outcome !== "unknown";
  }

  return {
    write,
    fromSocket: (name, { client, id }, kind) =>
      receipts.add(name, client, { kind, ...(id !== undefined && { connection: id }) }),
    async fromApp({ id, token, kind }, find) {
      if (!tokens.matches(id, token)) {
        throw new ServiceError("forbidden", "Cannot take this receipt: the token is another's");
      }
      const name = await find(id);
      if (!name) throw new ServiceError("not_found", "Cannot find this notification");
      if (await write(name, { kind, at: clock.now() })) return;
      receipts.add(name, undefined, { kind });
    },
  };
}
