/** Decides what somebody may do whom the issuer of the console's sign-in has identified. Pure. */

import type { Principal, Scope } from "../core/principal.ts";
import { claimOf } from "./issuer.ts";

/** Which claims say what. */
export interface GrantSettings {
  readonly rolesClaim: string;
  readonly viewerRoles: readonly string[];
  readonly operatorRoles: readonly string[];
  /** Empty: everybody may see all contexts. */
  readonly contextsClaim: string;
}

/** A principal and the name that the console shows, or why there is none. */
type Grant =
  | { readonly kind: "granted"; readonly principal: Principal; readonly name: string }
  | { readonly kind: "refused"; readonly reason: string };

/** OpenID Connect Core §2: `sub` has at most 255 characters. */
const MAX_SUBJECT = 255;
const MAX_NAME = 80;
/** What a session may keep of contexts. */
const MAX_CONTEXTS_LENGTH = 16_384;
const ALL_CONTEXTS = "*";

/** Decides by the claims of an id token that was checked. */
export function grantOf(
  claims: Readonly<Record<string, unknown>>,
  { rolesClaim, viewerRoles, operatorRoles, contextsClaim }: GrantSettings,
): Grant {
  const { sub } = claims;
  if (typeof sub !== "string" || sub === "" || sub.length > MAX_SUBJECT) {
    return refused("it has no usable subject");
  }
  const roles = textsOf(claimOf(claims, rolesClaim));
  const has = (wanted: readonly string[]) => roles.some((role) => wanted.includes(role));
  const scope: Scope | undefined = has(operatorRoles)
    ? "admin"
    : has(viewerRoles)
    ? "read"
    : undefined;
  if (scope === undefined) return refused(`its claim '${rolesClaim}' has no role of this console`);
  const contexts = contextsClaim === ""
    ? [ALL_CONTEXTS]
    : textsOf(claimOf(claims, contextsClaim)).filter((each) => each !== "");
  if (contexts.length === 0) return refused(`its claim '${contextsClaim}' names no context`);
  if (JSON.stringify(contexts).length > MAX_CONTEXTS_LENGTH) {
    return refused(`its claim '${contextsClaim}' names too many contexts`);
  }
  const principal: Principal = {
    ...{ id: `oidc:${sub}`, kind: "jwt", scopes: new Set([scope]) },
    ...(!contexts.includes(ALL_CONTEXTS) && { contexts: new Set(contexts) }),
  };
  const named = [claims["preferred_username"], claims["name"], claims["email"], sub];
  const name = named.find((each) => typeof each === "string" && each !== "") as string;
  return { kind: "granted", principal, name: name.slice(0, MAX_NAME).toWellFormed() };
}

/** A claim is a list, a text with one value or several between blanks, or a number. */
function textsOf(claim: unknown): readonly string[] {
  if (typeof claim === "string") return claim.split(" ");
  if (typeof claim === "number") return [String(claim)];
  return Array.isArray(claim)
    ? claim.filter((each) => typeof each === "string" || typeof each === "number").map(String)
    : [];
}

function refused(reason: string): Grant {
  return { kind: "refused", reason };
}
