/**
 * What WNS refuses in a request of a known sender (Microsoft: "Push notification service request
 * and response headers"). Pure.
 */

import type { ProviderRequest } from "./exchange.ts";
import type { FakeRefusal } from "./fake_answers.ts";

type WnsRequest = Pick<ProviderRequest, "headers" | "body">;

const MAX_BYTES = 5000;
const XML_TYPES: Readonly<Record<string, string>> = {
  "wns/toast": "toast",
  "wns/tile": "tile",
  "wns/badge": "badge",
};

/** Returns the first violated rule, or `undefined`. */
export function wnsFault({ headers, body }: WnsRequest): FakeRefusal | undefined {
  const type = headers["x-wns-type"];
  const root = type === undefined ? undefined : XML_TYPES[type];
  if (type === undefined) return no("X-WNS-Type is missing");
  if (root === undefined && type !== "wns/raw") return no("X-WNS-Type is not known");
  if (headers["transfer-encoding"] !== undefined) return no("Chunked transfer is not supported");
  if (headers["content-length"] === undefined) return no("Content-Length is missing");
  const media = headers["content-type"]?.split(";")[0]?.trim().toLowerCase();
  if (media !== (root === undefined ? "application/octet-stream" : "text/xml")) {
    return no("Content-Type does not match X-WNS-Type");
  }
  const fault = optionalFault(headers) ?? cacheFault(headers, type);
  if (fault !== undefined) return no(fault);
  if (body === undefined || body.length > MAX_BYTES) {
    return { status: 413, reason: "The payload exceeds 5000 bytes" };
  }
  if (body.length === 0) return no("The payload is empty");
  if (root !== undefined && !isXml(body, root)) return no(`The payload is not XML of a ${root}`);
}

function optionalFault(headers: WnsRequest["headers"]): string | undefined {
  for (const name of ["x-wns-tag", "x-wns-group"]) {
    const value = headers[name];
    if (value !== undefined && !/^[A-Za-z0-9]{1,16}$/.test(value)) return `${name} is invalid`;
  }
  const priority = headers["x-wns-priority"];
  if (priority !== undefined && !/^[1-4]$/.test(priority)) return "X-WNS-PRIORITY is invalid";
  const status = headers["x-wns-requestforstatus"];
  if (status !== undefined && !/^(true|false)$/.test(status)) {
    return "X-WNS-RequestForStatus is invalid";
  }
  if (headers["x-wns-suppresspopup"] !== undefined) {
    return "X-WNS-SuppressPopup is for phone channels only";
  }
  if (headers["x-wns-match"] !== undefined) return "X-WNS-Match is for DELETE only";
}

/** A message with a TTL of 0 must not ask to be cached, the default for all but raw. */
function cacheFault(headers: WnsRequest["headers"], type: string): string | undefined {
  const ttl = headers["x-wns-ttl"];
  const policy = headers["x-wns-cache-policy"] ?? (type === "wns/raw" ? "no-cache" : "cache");
  if (!/^(cache|no-cache)$/.test(policy)) return "X-WNS-Cache-Policy is invalid";
  if (ttl !== undefined && !/^\d{1,10}$/.test(ttl)) return "X-WNS-TTL is invalid";
  if (ttl !== undefined && Number(ttl) === 0 && policy === "cache") {
    return "Ttl value conflicts with X-WNS-Cache-Policy";
  }
}

/** Whether it is one element of that name, with every tag closed and every `&` an entity. */
function isXml(body: Uint8Array, root: string): boolean {
  const text = new TextDecoder().decode(body).replace(/^\uFEFF?\s*(<\?xml[^>]*\?>)?\s*/, "");
  const open: string[] = [];
  const tags = /<(\/?)([A-Za-z][\w-]*)((?:\s+[\w:-]+\s*=\s*(?:"[^"<]*"|'[^'<]*'))*)\s*(\/?)>/g;
  let rest = "";
  let end = 0;
  let roots = 0;
  for (const match of text.matchAll(tags)) {
    const [tag, closing, name = "", attributes, selfClosing] = match;
    rest += text.slice(end, match.index) + attributes;
    end = match.index + tag.length;
    if (closing) {
      if (open.pop() !== name) return false;
      continue;
    }
    if (open.length === 0 && (roots++ > 0 || name !== root)) return false;
    if (!selfClosing) open.push(name);
  }
  rest += text.slice(end);
  const stray = rest.replaceAll(/&(?:amp|lt|gt|quot|apos|#\d+|#x[0-9a-f]+);/gi, "");
  return roots === 1 && open.length === 0 && !/[<&]/.test(stray);
}

function no(reason: string): FakeRefusal {
  return { status: 400, reason };
}
