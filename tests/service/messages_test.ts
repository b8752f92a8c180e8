import assert from "node:assert/strict";
import { Attributes, startCascade } from "../../cascade/mod.ts";
import { silentLog } from "../../core/log.ts";
import type { Message } from "../../core/message.ts";
import { createMetrics } from "../../core/metrics.ts";
import type { Notification } from "../../core/notification.ts";
import type { Target, TransportName } from "../../core/subscription.ts";
import { createMessages } from "../../service/delivery.ts";
import { MemoryStore } from "../../store/mod.ts";
import { FakeClock } from "../support/fake_clock.ts";
import { createMemoryConfigFiles } from "../support/memory_config_files.ts";

const MAIL: Notification = {
  ...{
    id: "id",
    context: "1",
    user: "3",
    topic: "ox:mail:new",
    priority: "high",
    acceptedAt: 0,
  },
  data: JSON.stringify({
    folder: "a",
    id: "1",
    displayname: "Jane",
    subject: "Let's meet",
    unread: 83,
  }),
};

function target(transport: TransportName): Target {
  return {
    context: "1",
    user: "3",
    client: "app",
    transport,
    token: "t",
    refreshedAt: 0,
  };
}

async function setUp(files: Record<string, string>) {
  const clock = new FakeClock();
  const store = new MemoryStore({ clock });
  const configFiles = createMemoryConfigFiles(files);
  const cascade = await startCascade({
    ...{
      clock,
      metrics: createMetrics(),
      log: silentLog,
      environment: {},
      files: configFiles,
    },
    attributes: new Attributes({ store }),
  });
  const messages = createMessages({ cascade, log: silentLog });

  async function generate(transport: TransportName): Promise<Message> {
    const view = await cascade.current().view(MAIL.context, MAIL.user);
    return messages.generate(MAIL, target(transport), view);
  }

  return { cascade, configFiles, messages, generate };
}

Deno.test("badge and sound of Apple's devices follow the original's properties, others do not", async () => {
  const facade = "com.openexchange.pns.mobile.api.facade.apn";
  const properties = `${facade}.badge.enabled=false\n${facade}.sound.filename=bell.caf\n`;
  const { cascade, generate } = await setUp({ "pns.properties": properties });
  const apn = await generate("apn");
  assert.deepEqual([apn.badge, apn.sound], [undefined, "bell.caf"]);
  const gcm = await generate("gcm");
  assert.deepEqual([gcm.badge, gcm.sound], [83, "default"]);
  await cascade[Symbol.asyncDispose]();
});

Deno.test("templates are read again on a reload, and a file with faults keeps its valid templates", async () => {
  const { cascade, configFiles, messages, generate } = await setUp({});
  const title = async () => (await generate("gcm")).title;
  assert.equal(await title(), "Jane");
  const right = `app:\n  gcm:\n    ox:mail:new:\n      title: "From {sender}"\n`;
  configFiles.write(
    "pns-messages.yml",
    `${right}  apn:\n    ox:mail:new:\n      titel: "x"\n`,
  );
  await cascade.reload();
  messages.reload();
  assert.equal(await title(), "From Jane");
  await cascade[Symbol.asyncDispose]();
});
