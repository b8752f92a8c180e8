/** Requests to the operations of the API: valid ones, and then something about them is wrong. */

import { spoiledBody } from "./_bodies.ts";
import type { Dice } from "./_fuzz.ts";
import type { Operation, Parameter } from "./_operations.ts";
import { type Schemas, valueOf } from "./_schema_values.ts";

/** A request as it is sent. */
export interface FuzzRequest {
  readonly method: string;
  /** Path and query. */
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: Uint8Array<ArrayBuffer>;
  /** Whether the path may lead to another route than its operation's, or the method to none. */
  readonly isAstray: boolean;
}

/** What requests are made of. */
interface RequestMaterial {
  readonly schemas: Schemas;
  /** Credentials to choose from, all valid. */
  readonly credentials: readonly string[];
  /** A user's session, for the original's paths. */
  readonly session: string;
  /** Ids of things that exist. */
  readonly ids: readonly string[];
}

const ODD_PARTS = [
  "",
  " ",
  ".",
  "..",
  "%",
  "%2",
  "%00",
  "%ff",
  "%2f",
  "%2e%2e",
  "a/b",
  "a%0d%0ab:c",
]
  .concat("__proto__", "constructor", "*", ":id", "{id}", "🔔", "\\", "x".repeat(4000), "0x10")
  .concat("1e400", "-1", "null", "[object Object]", "%ed%a0%80", "\u0000", "a;b=c", "a#b", "?");
const ODD_QUERIES = [
  "",
  "&",
  "=",
  "&&==",
  "limit=0",
  "limit=1e9",
  "limit=-1",
  "limit=",
  "limit=NaN",
]
  .concat("cursor=", "cursor=%ff", "cursor=__proto__", "cursor[]=1", "session=", "session=x")
  .concat("session=%ff&session=y", "__proto__=1", "__proto__[a]=1", "context=1&context=2", "a=%")
  .concat(
    "user=%00",
    "topic=*",
    "topic=%ud800",
    `x=${"y".repeat(5000)}`,
    "action",
    "action=toString",
  );
const ODD_TYPES = [
  "",
  "text/plain",
  "application/json; charset=utf-16",
  "application/JSON;;",
  "json",
]
  .concat("application/problem+json", "multipart/form-data; boundary=", "application/xml", ",")
  .concat("application/x-www-form-urlencoded", `application/json; a="${"x".repeat(3000)}`);
const ODD_CREDENTIALS = ["", "Bearer", "Bearer ", "Basic YTpi", "Bearer a.b.c", "bearer \u00e9"]
  .concat("Bearer eyJhbGciOiJub25lIn0.e30.", `Bearer ${"x".repeat(8000)}`, "Bearer __proto__")
  .concat("Bearer eyJhbGciOiJIUzI1NiIsImtpZCI6Il9fcHJvdG9fXyJ9.eyJzdWIiOiIxIn0.AAAA", "Bearer a b");
const ODD_HEADERS: readonly (readonly [string, string])[] = [
  ["idempotency-key", ""],
  ["idempotency-key", "x".repeat(300)],
  ["idempotency-key", "\u00ff\u00e9"],
  ["idempotency-key", "again"],
  ["origin", "null"],
  ["origin", "http://evil.example"],
  ["origin", "%%%"],
  ["accept", "text/html;q=0, */*;q=x"],
  ["accept", "\u00ff"],
  ["accept-encoding", "gzip;q=nan, br"],
  ["content-encoding", "gzip"],
  ["expect", "200-maybe"],
  ["x-forwarded-for", "not an address"],
  ["x-http-method-override", "DELETE"],
  ["if-none-match", '"'],
  ["range", "bytes=9-1"],
  ["cookie", "=;=;__proto__=1"],
  ["upgrade", "websocket"],
  ["access-control-request-method", "\u00ff"],
  ["x-long", "y".repeat(6000)],
];

/** A request to an operation; about one in eight is valid. */
export function requestOf(
  operation: Operation,
  { dice, material }: { readonly dice: Dice; readonly material: RequestMaterial },
): FuzzRequest {
  const { parameters, body: schema } = operation;
  const { schemas } = material;
  const given = (where: Parameter["in"]) =>
    parameters.filter((each) => each.in === where && (each.required || dice.chance(0.5)));
  const text = (each: Parameter) => {
    if (each.name === "id" && material.ids.length > 0 && dice.chance(0.6)) {
      return dice.pick(material.ids);
    }
    return String(valueOf(each.schema, { dice, schemas }));
  };

  let isAstray = false;
  let path = operation.path;
  for (const each of given("path")) {
    const isOdd = dice.chance(0.15);
    const part = isOdd ? dice.pick(ODD_PARTS) : encodeURIComponent(text(each).toWellFormed());
    isAstray ||= isOdd || /^\.{0,2}$/.test(part);
    path = path.replace(`{${each.name}}`, () => part);
  }
  if (dice.chance(0.03)) {
    isAstray = true;
    path += dice.pick(["/", "//", "/..", "/%2e%2e/keys", ";a", "%00", "/x", "/__proto__", "."]);
  }
  const query = given("query").map((each) =>
    `${each.name}=${encodeURIComponent(text(each).toWellFormed())}`
  );
  if (operation.path.endsWith("/pns")) {
    query.push(`action=${dice.pick(["subscribe", "unsubscribe", "x"])}`);
  }
  if (dice.chance(0.12)) query.push(dice.pick(ODD_QUERIES));
  const headers = headersOf(operation, { dice, material });
  let body: Uint8Array<ArrayBuffer> | undefined;
  if (schema && dice.chance(0.98)) body = spoiledBody(valueOf(schema, { dice, schemas }), dice);
  if (schema && dice.chance(0.002)) body = new Uint8Array(800_000).fill(0x20);
  let { method } = operation;
  if (dice.chance(0.03)) {
    isAstray = true;
    method = dice.pick(["GET", "PUT", "PATCH", "DELETE", "POST", "OPTIONS", "HEAD", "PURGE", "X"]);
    if (["GET", "HEAD"].includes(method)) body = undefined;
  }
  return {
    ...{ method, headers, isAstray },
    path: query.length > 0 ? `${path}?${query.join("&")}` : path,
    ...(body && { body }),
  };
}

function headersOf(
  { body, path }: Operation,
  { dice, material }: { readonly dice: Dice; readonly material: RequestMaterial },
): Record<string, string> {
  const headers: Record<string, string> = {};
  const own = path.endsWith("/pns") ? material.session : dice.pick(material.credentials);
  if (dice.chance(0.94)) headers["authorization"] = `Bearer ${own}`;
  else if (dice.chance(0.8)) headers["authorization"] = dice.pick(ODD_CREDENTIALS);
  if (body) headers["content-type"] = "application/json";
  if (body && dice.chance(0.05)) headers["content-type"] = dice.pick(ODD_TYPES);
  if (dice.chance(0.1)) {
    const [name, value] = dice.pick(ODD_HEADERS);
    headers[name] = value;
  }
  return headers;
}
