import assert from "node:assert/strict";
import { ServiceError } from "../../core/errors.ts";
import type { Presence, UserEvent } from "../../core/events.ts";
import type { TargetRecord } from "../../core/ledger.ts";
import { silentLog } from "../../core/log.ts";
import type { Notification } from "../../core/notification.ts";
import type { Sender } from "../../delivery/sender.ts";
import { createDispatch, type DispatchOptions } from "../../delivery/dispatch.ts";
import type { Ledger } from "../../delivery/ledger.ts";
import { FakeClock } from "../support/fake_clock.ts";

const BATCH: readonly Notification[] = ["7", "8"].map((user) => ({
  ...{ id: user, context: "1", user, topic: "ox:mail:new", data: "{}" },
  ...{ priority: "high", acceptedAt: 0 },
}));

function away(): Promise<never> {
  return Promise.reject(new ServiceError("store_unavailable", "Cannot reach Redis"));
}

function dispatchWith(parts: Pick<DispatchOptions, "matching" | "configuration">) {
  return createDispatch({
    digests: { hold: () => Promise.reject(new Error("nobody is quiet")) },
    inbox: { add: () => Promise.reject(new Error("nobody has an inbox")) },
    ids: () => "an id",
    ...parts,
    sockets: {
      presence: (users) => users.map(() => []),
      publish: () => Promise.resolve(new Set<string>()),
    },
    serves: () => true,
    sender: {} as Sender,
    ledger: {} as Ledger,
    release: () => {},
    clock: new FakeClock(),
    log: silentLog,
  });
}

/** Unhandled rejections, which would end a process. */
async function unhandledOf(act: () => Promise<void>): Promise<readonly unknown[]> {
  const found: unknown[] = [];
  function note(event: PromiseRejectionEvent): void {
    event.preventDefault();
    found.push(event.reason);
  }
  addEventListener("unhandledrejection", note);
  try {
    await act();
    await new Promise((resolve) => setTimeout(resolve, 0));
  } finally {
    removeEventListener("unhandledrejection", note);
  }
  return found;
}

for (
  const [what, matching] of Object.entries({
    "subscriptions cannot be read": { match: away, prefetch: away },
    "only one user's subscriptions can be read": {
      match: ({ user }: Notification) => user === "8" ? away() : Promise.resolve([]),
      prefetch: () => Promise.resolve(),
    },
    "subscriptions come late": {
      match: () =>
        new Promise<never>((_, reject) => setTimeout(() => reject(new Error("late")), 0)),
      prefetch: away,
    },
  })
) {
  Deno.test(`a batch fails as a whole, without an unhandled rejection, where ${what}`, async () => {
    const dispatch = dispatchWith({ matching, configuration: () => ({ view: away }) });
    const unhandled = await unhandledOf(async () => {
      await assert.rejects(dispatch(BATCH, { isRepeat: false }));
    });
    assert.deepEqual(unhandled, []);
  });
}

Deno.test("an event names the clients that had no open socket, where there are any", async () => {
  const published: UserEvent[] = [];
  const settled = new Map<string, readonly TargetRecord[]>();
  const presence = (client: string, open: boolean): Presence => ({
    ...{ client, id: client, socketId: client, open },
  });
  const present = [[presence("mail", true), presence("phone", false)], [presence("mail", true)]];
  const dispatch = createDispatch({
    digests: { hold: () => Promise.reject(new Error("nobody is quiet")) },
    inbox: { add: () => Promise.reject(new Error("nobody has an inbox")) },
    ids: () => "an id",
    matching: {
      match: ({ context, user }, clients) =>
        clients.map((client) => ({
          ...{ context, user, client, transport: "websocket", token: "", refreshedAt: 0 },
        })),
      prefetch: () => {},
    },
    sockets: {
      presence: () => present,
      publish(events) {
        published.push(...events);
        return Promise.resolve(new Set<string>());
      },
    },
    configuration: () => ({ view: () => ({ enabled: () => true }) }),
    serves: () => true,
    sender: {} as Sender,
    ledger: {
      settle: ({ id }: Notification, targets: readonly TargetRecord[]) =>
        void settled.set(id, targets),
    } as Ledger,
    release: () => {},
    clock: new FakeClock(),
    log: silentLog,
  });
  await dispatch(BATCH, { isRepeat: false });
  assert.deepEqual(published.map(({ clients, kept }) => [clients, kept]), [
    [["mail", "phone"], ["phone"]],
    [["mail"], undefined],
  ]);
  assert.deepEqual(settled.get("7")!.map(({ state }) => state), ["sent", "kept"]);
});
