import assert from "node:assert/strict";
import { exists, filesBelow, readText, ROOT, withoutCode } from "./_files.ts";

/** `[text](target)` and `[name]: target`. */
const LINKS = [/\]\(\s*<?([^)\s>]+)>?[^)]*\)/g, /^\[[^\]]+\]:\s*(\S+)/gm];
const HEADING = /^#{1,6} +(.+?) *#* *$/gm;

/** The targets of all links that lead to a file of the repository or to a place in one. */
function relativeLinks(markdown: string): readonly string[] {
  const text = withoutCode(markdown).replaceAll(/`[^`\n]*`/g, "");
  return LINKS.flatMap((link) => [...text.matchAll(link)].map(([, target]) => target!))
    .filter((target) => !/^[a-z][a-z+.-]*:/i.test(target));
}

/** The anchors that GitHub gives to the headings of a page. */
function anchorsOf(markdown: string): ReadonlySet<string> {
  const anchors = new Set<string>();
  for (const [, heading] of withoutCode(markdown).matchAll(HEADING)) {
    const slug = heading!.replaceAll(/\[([^\]]*)\]\([^)]*\)/g, "$1").toLowerCase()
      .replaceAll(/[^\p{L}\p{M}\p{N}\p{Pc} -]/gu, "").replaceAll(" ", "-");
    let anchor = slug;
    for (let n = 1; anchors.has(anchor); n++) anchor = `${slug}-${n}`;
    anchors.add(anchor);
  }
  return anchors;
}

/** Why a link of a page leads nowhere; `undefined` where it leads to something. */
async function faultOf(page: string, link: string): Promise<string | undefined> {
  const [file, anchor] = link.split("#") as [string, string?];
  const target = file === "" ? page : new URL(file, new URL(page, ROOT)).pathname
    .slice(ROOT.pathname.length);
  if (!await exists(target)) return `${page}: ${link}: no such file`;
  if (anchor === undefined) return undefined;
  const anchors = anchorsOf(await readText(target));
  return anchors.has(decodeURIComponent(anchor)) ? undefined : `${page}: ${link}: no such heading`;
}

Deno.test("every relative link in a page leads to a file, and its anchor to a heading", async () => {
  const faults: string[] = [];
  let count = 0;
  for (const page of await filesBelow("", ".md")) {
    for (const link of relativeLinks(await readText(page))) {
      count++;
      const fault = await faultOf(page, link);
      if (fault !== undefined) faults.push(fault);
    }
  }
  assert.deepEqual(faults, []);
  assert.ok(count > 50, `only ${count} links were found`);
});

Deno.test("every page that a page names in code is there", async () => {
  const faults: string[] = [];
  for (const page of await filesBelow("", ".md")) {
    const text = withoutCode(await readText(page));
    for (const [, name] of text.matchAll(/`((?:[\w.-]+\/)*[\w.-]+\.md)`/g)) {
      const beside = page.slice(0, page.lastIndexOf("/") + 1) + name;
      if (!await exists(name!) && !await exists(beside)) faults.push(`${page}: ${name}`);
    }
  }
  assert.deepEqual(faults, []);
});

Deno.test("the check of links notices a missing file and a missing heading", async () => {
  assert.equal(await faultOf("README.md", "docs/none.md"), "README.md: docs/none.md: no such file");
  assert.equal(await faultOf("docs/deploy.md", "#none"), "docs/deploy.md: #none: no such heading");
  assert.equal(await faultOf("docs/deploy.md", "../README.md#how-it-works"), undefined);
});

Deno.test("links in code are none, and headings get the anchors of GitHub", () => {
  assert.deepEqual(relativeLinks("[a](b.md) `[c](d.md)`\n```\n[e](f.md)\n```\n[g](https://h)"), [
    "b.md",
  ]);
  const page = "# `deno task ok`: all, at once\n## A\n## A\n```sh\n# no heading\n```\n";
  assert.deepEqual([...anchorsOf(page)], ["deno-task-ok-all-at-once", "a", "a-1"]);
});
