/**
 * Six versions of the stock client by three ways each: polling, WebSocket, and the one upgraded to
 * the other. A behaviour is tested in all of these cells at the same time, on one service and with
 * a user for each cell, because most of the time is spent waiting for sockets.
 */

import { io as io4_8 } from "socket.io-client";
import io2_5 from "socket.io-client-2";
import io2_0 from "socket.io-client-2.0";
import { io as io3_1 } from "socket.io-client-3.1";
import { io as io4_0 } from "socket.io-client-4.0";
import { io as io4_5 } from "socket.io-client-4.5";
import { startTestService, type TestService } from "../support/start_service.ts";

/** One version of the stock client. */
export interface Version {
  readonly name: string;
  /** Its `io` function. The types of the versions differ, but not in what is used here. */
  readonly io: unknown;
  /** Of the Engine.IO protocol. */
  readonly revision: 3 | 4;
  /** Whether it sends its offset when it reconnects, so that it receives everything once. */
  readonly recovers: boolean;
  /**
   * Whether `connect()` right after `disconnect()` works. Older clients forget the request once
   * their former engine has closed, with every server: their own manager still listens to that
   * engine.
   */
  readonly connectsAtOnce: boolean;
}

/** A version and the way it connects. */
export interface Cell {
  /** E.g. `2.0 by polling`. */
  readonly name: string;
  readonly version: Version;
  readonly transports: readonly string[];
}

/** A place to test a behaviour, with a user of its own. */
export interface Place {
  readonly cell: Cell;
  readonly service: TestService;
  readonly user: string;
}

/** Options of a test. */
export interface MatrixOptions {
  /** Keys of the service's configuration. */
  readonly properties?: Readonly<Record<string, string | number>>;
  /** The cells that the test makes sense in. @default {all} */
  readonly only?: (cell: Cell) => boolean;
}

const VERSIONS: readonly Version[] = [
  { name: "2.0", io: io2_0, revision: 3, recovers: false, connectsAtOnce: false },
  { name: "2.5", io: io2_5, revision: 3, recovers: false, connectsAtOnce: false },
  { name: "3.1", io: io3_1, revision: 4, recovers: false, connectsAtOnce: false },
  { name: "4.0", io: io4_0, revision: 4, recovers: false, connectsAtOnce: false },
  { name: "4.5", io: io4_5, revision: 4, recovers: false, connectsAtOnce: true },
  { name: "4.8", io: io4_8, revision: 4, recovers: true, connectsAtOnce: true },
];

const WAYS: Readonly<Record<string, readonly string[]>> = {
  "by polling": ["polling"],
  "by WebSocket": ["websocket"],
  "by upgrade": ["polling", "websocket"],
};

const CELLS: readonly Cell[] = VERSIONS.flatMap((version) =>
  Object.entries(WAYS).map(([way, transports]) => ({
    ...{ name: `${version.name} ${way}`, version, transports },
  }))
);

/** Steps that run at the same time, which Deno allows without its leak checks. */
const CONCURRENT = { sanitizeOps: false, sanitizeResources: false, sanitizeExit: false };

/** Declares a test with a step for each cell; `behaviour` goes on after a cell's name. */
export function testInEachCell(
  behaviour: string,
  run: (place: Place) => Promise<void>,
  { properties = {}, only = () => true }: MatrixOptions = {},
): void {
  Deno.test({
    name: `each stock client ${behaviour}`,
    // A closed client leaves timers and sockets of its own behind for a while.
    ...CONCURRENT,
    fn: async (test) => {
      await using service = await startTestService({ properties });
      await Promise.all(
        CELLS.filter(only).map((cell, index) =>
          test.step({
            name: `${cell.name}: ${behaviour}`,
            ...CONCURRENT,
            fn: () => run({ cell, service, user: String(100 + index) }),
          })
        ),
      );
    },
  });
}
