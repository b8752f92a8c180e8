import assert from "node:assert/strict";
import { createPrivateKey, generateKeyPairSync } from "node:crypto";
import { jwtVerify } from "jose";
import {
  readServiceAccount,
  ServiceAccountError,
  signAssertion,
} from "../../../transports/gcm/service_account.ts";
import { makeServiceAccount } from "./fake_provider.ts";

const STRICT = { tokenAddressSet: false };

async function faultOf(json: string, overrides = STRICT): Promise<string> {
  const fault = await readServiceAccount(json, overrides).then(() => undefined, (error) => error);
  assert.ok(fault instanceof ServiceAccountError, `${fault}`);
  return fault.message;
}

Deno.test("readServiceAccount() takes what the Google console gives out", async () => {
  const { json } = await makeServiceAccount();
  const account = await readServiceAccount(json, STRICT);
  assert.equal(account.email, "push@demo-project.iam.gserviceaccount.com");
  assert.equal(account.projectId, "demo-project");
  assert.equal(account.keyId, "key-1");
  assert.equal(account.tokenUri, "https://oauth2.googleapis.com/token");
});

Deno.test("readServiceAccount() prefers the project that the operator names", async () => {
  const { json } = await makeServiceAccount({ project_id: undefined });
  const account = await readServiceAccount(json, { ...STRICT, projectId: "other" });
  assert.equal(account.projectId, "other");
});

Deno.test("readServiceAccount() explains what google-services.json is", async () => {
  const json = JSON.stringify({ project_info: { project_id: "p" }, client: [] });
  assert.match(await faultOf(json), /google-services\.json; a service account key is needed/);
});

Deno.test("readServiceAccount() refuses other kinds of credentials", async () => {
  const { json } = await makeServiceAccount({ type: "authorized_user" });
  assert.match(await faultOf(json), /its type is authorized_user/);
});

Deno.test("readServiceAccount() quotes nothing of a file that is not JSON", async () => {
  assert.equal(await faultOf("-----BEGIN PRIVATE KEY-----secret"), "is not valid JSON");
  assert.equal(await faultOf("[]"), "is not a JSON object");
});

for (const name of ["client_email", "private_key", "project_id", "token_uri"]) {
  Deno.test(`readServiceAccount() names the missing ${name}`, async () => {
    const { json } = await makeServiceAccount({ [name]: undefined });
    assert.equal(await faultOf(json), `lacks the field ${name}`);
  });
}

Deno.test("readServiceAccount() says that a key cannot be read without quoting it", async () => {
  const { json } = await makeServiceAccount({
    private_key: "-----BEGIN PRIVATE KEY-----\nsecret\n-----END PRIVATE KEY-----\n",
  });
  const fault = await faultOf(json);
  assert.match(fault, /private_key that is not an RSA key/);
  assert.ok(!fault.includes("secret"));
});

Deno.test("readServiceAccount() takes a private_key as PKCS#1, and with '\\n' escaped twice", async () => {
  const pkcs8 = JSON.parse((await makeServiceAccount()).json).private_key;
  const pkcs1 = String(createPrivateKey(pkcs8).export({ type: "pkcs1", format: "pem" }));
  for (const private_key of [pkcs1, pkcs8.replaceAll("\n", "\\n"), `Bag Attributes\n${pkcs8}`]) {
    const { json } = await makeServiceAccount({ private_key });
    const { privateKey } = await readServiceAccount(json, STRICT);
    assert.equal(privateKey.extractable, false);
  }
});

Deno.test("readServiceAccount() names a private_key of another kind", async () => {
  const { privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const private_key = String(privateKey.export({ type: "pkcs8", format: "pem" }));
  const { json } = await makeServiceAccount({ private_key });
  assert.match(await faultOf(json), /is not an RSA key: it is P-256 and must be RSA/);
});

for (
  const uri of [
    "https://evil.example/token",
    "http://oauth2.googleapis.com/token",
    "https://oauth2.googleapis.com.evil.example/token",
    "https://oauth2.googleapis.com@evil.example/token",
    "https://oauth2.googleapis.com:8443/token",
    "no address",
  ]
) {
  Deno.test(`readServiceAccount() does not sign for the token_uri ${uri}`, async () => {
    const { json } = await makeServiceAccount({ token_uri: uri });
    assert.match(await faultOf(json), /names a token_uri that is not on https:\/\/oauth2\.google/);
  });
}

Deno.test("readServiceAccount() leaves token_uri alone where the operator set an address", async () => {
  const { json } = await makeServiceAccount({ token_uri: "https://localhost:1/token" });
  const account = await readServiceAccount(json, { tokenAddressSet: true });
  assert.equal(account.tokenUri, "https://localhost:1/token");
});

Deno.test("signAssertion() makes what Google asks for, verifiable with the public key", async () => {
  const { json, publicKey } = await makeServiceAccount();
  const account = await readServiceAccount(json, STRICT);
  const nowMs = Date.UTC(2026, 0, 1) + 999;
  const { payload, protectedHeader } = await jwtVerify(
    await signAssertion(account, nowMs),
    publicKey,
    { currentDate: new Date(nowMs) },
  );
  assert.deepEqual(protectedHeader, { alg: "RS256", typ: "JWT", kid: "key-1" });
  const issuedAt = Date.UTC(2026, 0, 1) / 1000;
  assert.deepEqual(payload, {
    iss: account.email,
    aud: "https://oauth2.googleapis.com/token",
    scope: "https://www.googleapis.com/auth/firebase.messaging",
    iat: issuedAt,
    exp: issuedAt + 3600,
  });
});
