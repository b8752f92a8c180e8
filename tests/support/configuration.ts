/** A configuration folder of its own for each service under test. */

const DEFAULTS = {
  "com.openexchange.pns.delayDuration": 0,
  "com.openexchange.pns.timerFrequency": 20,
};

/** Writes a configuration folder, which the caller removes. */
export async function writeConfiguration(
  properties: Readonly<Record<string, string | number | boolean>> = {},
  files: Readonly<Record<string, string>> = {},
): Promise<string> {
  const folder = await Deno.makeTempDir({ prefix: "carillon_conf_" });
  await Deno.writeTextFile(`${folder}/test.properties`, propertiesText(properties));
  for (const [name, text] of Object.entries(files)) {
    const below = name.includes("/") ? name.slice(0, name.lastIndexOf("/")) : "";
    await Deno.mkdir(`${folder}/${below}`, { recursive: true });
    await Deno.writeTextFile(`${folder}/${name}`, text);
  }
  return folder;
}

/** Writes a folder with these files and no others; the caller removes it. */
export async function writeFolder(
  files: Readonly<Record<string, string | Uint8Array<ArrayBuffer>>>,
): Promise<string> {
  const folder = await Deno.makeTempDir({ prefix: "carillon_etc_" });
  for (const [path, content] of Object.entries(files)) {
    const file = `${folder}/${path}`;
    await Deno.mkdir(file.slice(0, file.lastIndexOf("/")), { recursive: true });
    if (typeof content === "string") await Deno.writeTextFile(file, content);
    else await Deno.writeFile(file, content);
  }
  return folder;
}

/** The text of a properties file with these keys over the defaults of tests. */
export function propertiesText(
  properties: Readonly<Record<string, string | number | boolean>>,
): string {
  return Object.entries({ ...DEFAULTS, ...properties })
    .map(([key, value]) => `${key.replaceAll(":", "\\:")}=${value}\n`).join("");
}
