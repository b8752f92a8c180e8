import assert from "node:assert/strict";
import { readCaFile } from "../../../transports/clients/mod.ts";
import { makeCertificate } from "../../support/certificate.ts";

Deno.test("certificates to trust may have '\\n' in place of line breaks", async () => {
  const { cert } = await makeCertificate();
  const access = (text: string) => ({
    readTextFile: () => Promise.resolve(text),
    createHttpClient: Deno.createHttpClient,
  });
  const plain = await readCaFile(access(cert), "/ca.pem");
  assert.equal(plain.length, 1);
  assert.deepEqual(await readCaFile(access(cert.replaceAll("\n", "\\n")), "/ca.pem"), plain);
});
