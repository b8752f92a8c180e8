/** Templates in languages, and plurals by the rules of each. */

import assert from "node:assert/strict";
import { localeChain } from "../../core/locale.ts";
import type { Notification } from "../../core/notification.ts";
import { compileTemplates, createMessageGenerator } from "../../messages/mod.ts";

const FILE = `"*":
  "*":
    news:
      title: News
      body: "{data.count, plural, =0 {nothing} one {# article} other {# articles}}"
      locales:
        de:
          title: Neuigkeiten
          body: "{data.count, plural, one {# Artikel} other {# Artikel}}"
        de-CH:
          title: Neues
        pl:
          body: "{data.count, plural, one {# plik} few {# pliki} many {# plików} other {# pliku}}"
`;

function messageFor(count: unknown, ...wishes: string[]): string {
  const { templates, faults } = compileTemplates("pns-messages.yml", FILE);
  assert.deepEqual(faults, []);
  const generator = createMessageGenerator({ templates: () => templates });
  const notification: Notification = {
    ...{ id: "n", context: "1", user: "3", topic: "news", priority: "high", acceptedAt: 0 },
    data: JSON.stringify({ count }),
  };
  const target = { client: "app", transport: "apn" } as const;
  const { title, body } = generator.generate(notification, target, {
    locales: localeChain(wishes),
  });
  return `${title}: ${body}`;
}

Deno.test("the best language of a template is used, else its own texts", () => {
  assert.equal(messageFor(2), "News: 2 articles");
  assert.equal(messageFor(2, "de-AT"), "Neuigkeiten: 2 Artikel");
  assert.equal(messageFor(2, "de-CH"), "Neues: 2 articles");
  assert.equal(messageFor(2, "fr", "de"), "Neuigkeiten: 2 Artikel");
  assert.equal(messageFor(2, "fr"), "News: 2 articles");
  assert.equal(messageFor(2, "../../etc"), "News: 2 articles");
});

Deno.test("plurals follow the rules and the numerals of the language", () => {
  assert.deepEqual([0, 1, 5].map((count) => messageFor(count)), [
    "News: nothing",
    "News: 1 article",
    "News: 5 articles",
  ]);
  assert.deepEqual([1, 3, 5, 1.5].map((count) => messageFor(count, "pl")), [
    "News: 1 plik",
    "News: 3 pliki",
    "News: 5 plików",
    "News: 1,5 pliku",
  ]);
  assert.equal(messageFor("many", "de"), "Neuigkeiten: Artikel");
});

Deno.test("each mistake in a language or a plural is found, with its place", () => {
  const faulty = (lines: string) => {
    const { faults } = compileTemplates("f", `"*":\n  "*":\n    news:\n${lines}`);
    return faults.map(({ line, message }) => `${line}: ${message}`).join("; ");
  };
  assert.match(
    faulty("      locales: {../../etc: {title: x}}"),
    /^4: '\.\.\/\.\.\/etc' is not a lang/,
  );
  assert.match(faulty("      locales: {de: {private: true}}"), /^4: 'private' holds for all/);
  assert.match(faulty("      locales: {de: {locales: {at: {title: x}}}}"), /^4: a language has no/);
  assert.match(faulty("      locales: {de: {titel: x}}"), /^4: 'titel' is not a field/);
  assert.match(faulty("      title: '{count, plural, one {x}}'"), /^4: a plural needs the branch/);
  assert.match(faulty("      title: '{count, plural, lots {x}}'"), /^4: a plural has branches/);
  assert.match(faulty("      title: '{cuont, plural, other {x}}'"), /^4: 'cuont' is not a field/);
});
