/**
 * The keys of signing in to the console by an OpenID Connect issuer, below
 * `io.carillon.console.oidc.`, and what they need of each other.
 */

import { type FileFault, placeOfSource } from "../core/file_fault.ts";
import { list, milliseconds, string } from "./key_spec.ts";

/** What a scope says, by name: of each setting its value and the place that it comes from. */
type Configured = ReadonlyMap<string, { readonly value: unknown; readonly source: string }>;

const PREFIX = "io.carillon.console.oidc.";

/** The keys of the console. */
export const CONSOLE_KEYS = {
  "io.carillon.console.oidc.issuer": string("", {
    text:
      "OpenID Connect issuer that people sign in to the console with, as in its tokens' `iss`. " +
      "Empty: they sign in with API keys only. Needs `….clientId` and `….redirectUrl`.",
    example: "https://login.example.com/realms/operations",
    check: safeUrl,
  }),
  "io.carillon.console.oidc.clientId": string("", {
    text: "Id of the console at the issuer.",
    example: "carillon",
  }),
  "io.carillon.console.oidc.clientSecret": string("", {
    text: "Secret of the console at the issuer. Empty: it is a public client.",
    example: "Zv7mQ2cXk1",
    secret: true,
  }),
  "io.carillon.console.oidc.redirectUrl": string("", {
    text:
      "Where the issuer sends people back to: the address of the console, as browsers see it, with " +
      "the path `/console/oidc/callback`. The issuer must know it.",
    example: "https://push.example.com/console/oidc/callback",
    check: callbackUrl,
  }),
  "io.carillon.console.oidc.scopes": list(["openid", "profile"], {
    text: "Scopes that the issuer is asked for.",
    example: "openid, profile, groups",
  }),
  "io.carillon.console.oidc.rolesClaim": string("roles", {
    text: "Claim with the roles of somebody, a list or a text: its name, or its path with dots.",
    example: "resource_access.carillon.roles",
  }),
  "io.carillon.console.oidc.viewerRoles": list(["viewer"], {
    text: "Values of that claim that make somebody a viewer, who sees everything.",
    example: "viewer, support-team",
  }),
  "io.carillon.console.oidc.operatorRoles": list(["operator"], {
    text:
      "Values of that claim that make somebody an operator, who also changes. Who has none of " +
      "these and none of `….viewerRoles` is refused.",
    example: "operator, push-admins",
  }),
  "io.carillon.console.oidc.contextsClaim": string("", {
    text: "Claim with the contexts that somebody is limited to, a list or a text; `*` stands for " +
      "all, and who has no such claim is refused. Empty: everybody sees all contexts.",
    example: "carillon_contexts",
  }),
  "io.carillon.console.oidc.sessionLifetime": milliseconds(28_800_000, {
    text: "How long somebody stays signed in. What the issuer takes away later counts after that.",
    example: "3600000",
    range: [60_000, 86_400_000],
  }),
  "io.carillon.console.oidc.timeout": milliseconds(5_000, {
    text: "How long the issuer may take for each answer.",
    example: "2000",
    range: [100, 60_000],
  }),
};

/** Returns the fault of a configuration that names an issuer and not what it needs. */
export function issuerFaults(server: Configured): readonly FileFault[] {
  const issuer = server.get(`${PREFIX}issuer`);
  if (!issuer?.value) return [];
  const missing = ["clientId", "redirectUrl"].filter((name) => !server.get(PREFIX + name)?.value)
    .map((name) => `'${PREFIX}${name}'`);
  if (missing.length === 0) return [];
  const message = `'${PREFIX}issuer' also needs ${missing.join(" and ")}`;
  return [{ ...placeOfSource(issuer.source), message }];
}

/** Only over TLS, or within this machine: who reads along could sign in. */
function safeUrl(text: string): string | undefined {
  const { protocol, hostname } = URL.parse(text) ?? {};
  const isLocal = ["localhost", "127.0.0.1", "[::1]"].includes(hostname ?? "");
  return protocol === "https:" || (protocol === "http:" && isLocal)
    ? undefined
    : "an https address (http only for this machine)";
}

function callbackUrl(text: string): string | undefined {
  const { pathname, search, hash } = URL.parse(text) ?? {};
  return safeUrl(text) ??
    (pathname === "/console/oidc/callback" && search === "" && hash === ""
      ? undefined
      : "an address that ends in '/console/oidc/callback'");
}
