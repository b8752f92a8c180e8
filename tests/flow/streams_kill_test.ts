/** `kill -9` while streams and plain WebSockets are open: they lose nothing and get nothing twice. */

import assert from "node:assert/strict";
import { EXACT, listenAt, nameOf } from "../interop/_listeners.ts";
import { startProcess } from "../support/start_process.ts";
import { until } from "../support/until.ts";

/** A process that is killed leaves connections behind for a moment. */
const KILLED = { sanitizeOps: false, sanitizeResources: false };

for (const kind of EXACT) {
  Deno.test(
    `${nameOf(kind)} gets each event once over kill -9 of the service`,
    KILLED,
    async () => {
      await using service = await startProcess({
        properties: { "com.openexchange.pns.delayDuration": 0 },
      });
      const session = await service.mint("7");
      using client = listenAt(kind, service.host, { query: { session, connection: "c" } });
      await until("it is connected", () => client.connections.length > 0);
      let last = 0;
      const publish = async () => {
        const id = await service.publish({ user: "7", topic: "x", data: { n: ++last } });
        await service.settled(id);
      };
      for (let kills = 0; kills < 2; kills++) {
        await publish();
        await until("it has heard", () => client.heard.length >= last);
        await service.end("SIGKILL");
        await service.start();
        await publish();
        await until("it has what it missed", () => client.heard.length >= last);
      }
      const numbers = client.heard.map((data) => (data as unknown as { n: number }).n);
      assert.deepEqual(numbers, [1, 2, 3, 4]);
      assert.deepEqual(client.resyncs, []);
    },
  );
}
