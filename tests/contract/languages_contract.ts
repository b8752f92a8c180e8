/** Languages of a whole service, as one suite over every store. */

import assert from "node:assert/strict";
import { assertProblem } from "../support/api.ts";
import { CLIENTS, iPhone, startProviders } from "../flow/_providers.ts";
import { type PublishingSuite, pushes } from "./_publishing.ts";

const TEMPLATES = `"*":
  "*":
    news:
      title: News
      locales:
        de: {title: Neuigkeiten}
        fr: {title: Nouvelles}
`;

/** Registers the suite. */
export function testLanguages(name: string, { test, store }: PublishingSuite): void {
  test(`${name}: the subscription's language counts, then the user's, then none`, async () => {
    await using all = await startProviders({
      store: await store(),
      files: () => ({ "pns-messages.yml": TEMPLATES }),
    });
    const { service } = all;
    const subscribe = (user: string, number: number, fields: object = {}) =>
      service.subscribe({
        ...{ user, client: CLIENTS.apn, transport: "apn", token: iPhone(number) },
        ...fields,
      });
    await subscribe("own", 1, { locale: "fr-ca" });
    await subscribe("user", 2);
    await subscribe("none", 3);
    for (const user of ["own", "user"]) {
      const body = { attributes: { "io.carillon.locale": "de-CH" } };
      const { status } = await service.call("PUT", `/v1/contexts/1/users/${user}/config`, { body });
      assert.equal(status, 200);
    }
    for (const user of ["own", "user", "none"]) {
      await service.settled(await service.publish({ user, topic: "news", data: {} }));
    }
    const titles = pushes(all).map(({ payload }) =>
      (payload as { aps: { alert: { title: string } } }).aps.alert.title
    );
    assert.deepEqual(titles, ["Nouvelles", "Neuigkeiten", "News"]);
    const { body } = await service.call("GET", "/v1/subscriptions?context=1&user=own");
    assert.equal(body.items[0].locale, "fr-CA");
    const odd = {
      ...{ context: "1", user: "own", client: CLIENTS.apn, transport: "apn", topics: ["*"] },
      ...{ token: iPhone(1), locale: "../../etc" },
    };
    const answer = await service.call("POST", "/v1/subscriptions", { body: odd });
    assertProblem(answer, "400 invalid_request");
  });
}
