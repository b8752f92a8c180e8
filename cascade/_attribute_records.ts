/**
 * The records of context and user attributes, and the checks of new ones. Attributes are stored as
 * texts under canonical names, so that they are read like a properties file.
 */

import { type Fault, ServiceError } from "../core/errors.ts";
import { didYouMean } from "./_admit.ts";
import { findName, type Layer, readSetting, type SettingDefinition } from "./schema.ts";
import { isTag } from "./tag_expression.ts";

/** The record of a context. */
export interface ContextRecord {
  readonly version: 1;
  /** A tag for context sets. */
  readonly name?: string;
  /** Property names, and `taxonomy/types` with tags. */
  readonly attributes: Readonly<Record<string, string>>;
}

/** The record of a user. */
export interface UserRecord {
  readonly version: 1;
  /** Tags for context sets, such as `ucWebMail`. */
  readonly permissions: readonly string[];
  readonly attributes: Readonly<Record<string, string>>;
}

type AttributeValue = string | number | boolean;

/** The new content of a context's record. */
export interface ContextInput {
  readonly name?: string | undefined;
  readonly attributes?: Readonly<Record<string, AttributeValue>> | undefined;
}

/** The new content of a user's record. */
export interface UserInput {
  readonly permissions?: readonly string[] | undefined;
  readonly attributes?: Readonly<Record<string, AttributeValue>> | undefined;
}

/** Changes to a context: absent members stay, `null` removes (RFC 7396). */
export interface ContextPatch {
  readonly name?: string | null | undefined;
  readonly attributes?: Readonly<Record<string, AttributeValue | null>> | undefined;
}

/** Changes to a user: absent members stay, `null` removes (RFC 7396). */
export interface UserPatch {
  readonly permissions?: readonly string[] | null | undefined;
  readonly attributes?: Readonly<Record<string, AttributeValue | null>> | undefined;
}

/** The attribute of a context that contains tags instead of a property. */
export const TAXONOMY_TYPES = "taxonomy/types";

const MAX_ATTRIBUTES = 200;
const MAX_PERMISSIONS = 200;
const MAX_NAME = 255;
const MAX_VALUE = 1024;
/** Leaves room for the store's encoding; the limit of Deno KV is 65,536. */
const MAX_RECORD_BYTES = 49_152;

/**
 * Checks the content of a context's record.
 *
 * @throws {ServiceError} `invalid_request` with every fault, `payload_too_large`
 */
export function contextRecord({ name, attributes = {} }: ContextInput): ContextRecord {
  const faults: Fault[] = [];
  if (name !== undefined && (!isTag(name) || name.length > MAX_NAME)) {
    faults.push({
      path: "name",
      message: `must be up to ${MAX_NAME} characters that are allowed in a tag`,
    });
  }
  const checked = checkAttributes(attributes, { special: [TAXONOMY_TYPES], faults });
  const named = name === undefined ? {} : { name };
  return finished<ContextRecord>({ version: 1, ...named, attributes: checked }, faults);
}

/**
 * Checks the content of a user's record.
 *
 * @throws {ServiceError} `invalid_request` with every fault, `payload_too_large`
 */
export function userRecord({ permissions = [], attributes = {} }: UserInput): UserRecord {
  const faults: Fault[] = [];
  if (permissions.length > MAX_PERMISSIONS) {
    faults.push({ path: "permissions", message: `must be at most ${MAX_PERMISSIONS}` });
  }
  for (const [index, permission] of permissions.slice(0, MAX_PERMISSIONS).entries()) {
    // The prefix keeps a permission from being mistaken for the id of a context.
    if (/^uc[A-Za-z0-9_]{1,62}$/.test(permission)) continue;
    faults.push({ path: `permissions[${index}]`, message: "must look like 'ucWebMail'" });
  }
  const checked = checkAttributes(attributes, { special: [], faults });
  const record = { version: 1, permissions: [...new Set(permissions)], attributes: checked };
  return finished<UserRecord>(record as UserRecord, faults);
}

/** Applies a patch to a context's record. The result is not yet checked. */
export function patchedContext(
  record: ContextRecord | undefined,
  patch: ContextPatch,
): ContextInput {
  return {
    name: patch.name === undefined ? record?.name : patch.name ?? undefined,
    attributes: patchedAttributes(record?.attributes ?? {}, patch.attributes ?? {}),
  };
}

/** Applies a patch to a user's record. The result is not yet checked. */
export function patchedUser(record: UserRecord | undefined, patch: UserPatch): UserInput {
  return {
    permissions: patch.permissions === undefined ? record?.permissions : patch.permissions ?? [],
    attributes: patchedAttributes(record?.attributes ?? {}, patch.attributes ?? {}),
  };
}

/** Returns the layer of stored attributes, without names that the schema no longer has. */
export function attributeLayer(
  attributes: Readonly<Record<string, string>>,
  source: string,
): Layer {
  const layer = new Map<string, SettingDefinition>();
  for (const [attribute, raw] of Object.entries(attributes)) {
    const read = readSetting(attribute, raw);
    if (read.kind !== "setting") continue;
    const { kind: _, ...setting } = read;
    layer.set(setting.name, { ...setting, source });
  }
  return layer;
}

function patchedAttributes(
  attributes: Readonly<Record<string, string>>,
  patch: Readonly<Record<string, AttributeValue | null>>,
): Readonly<Record<string, AttributeValue>> {
  const patched = new Map<string, AttributeValue>(Object.entries(attributes));
  for (const [written, value] of Object.entries(patch)) {
    const name = findName(written)?.name ?? written;
    if (value === null) patched.delete(name);
    else patched.set(name, value);
  }
  return Object.fromEntries(patched);
}

function checkAttributes(
  attributes: Readonly<Record<string, AttributeValue>>,
  { special, faults }: { readonly special: readonly string[]; readonly faults: Fault[] },
): Readonly<Record<string, string>> {
  const checked = new Map<string, string>();
  const all = Object.entries(attributes);
  if (all.length > MAX_ATTRIBUTES) {
    faults.push({ path: "attributes", message: `must be at most ${MAX_ATTRIBUTES}` });
    return {};
  }
  for (const [written, value] of all) {
    const fault = (message: string) =>
      faults.push({ path: `attributes[${JSON.stringify(written.slice(0, MAX_NAME))}]`, message });
    const text = String(value);
    if (written.length > MAX_NAME || text.length > MAX_VALUE) {
      fault(`must be up to ${MAX_NAME} characters, its value up to ${MAX_VALUE}`);
    } else if (special.includes(written)) {
      checked.set(written, text);
    } else {
      const read = readSetting(written, text);
      if (read.kind === "unknown") fault(`is not known${didYouMean(read.nearest)}`);
      else if (read.kind === "wrong") fault(read.why);
      else if (!read.spec.cascade) fault("can be set for the server only");
      else if (checked.has(read.name)) fault(`sets '${read.name}' a second time`);
      else checked.set(read.name, text.trim());
    }
  }
  return Object.fromEntries(checked);
}

function finished<T>(record: T, faults: readonly Fault[]): T {
  if (faults.length > 0) {
    throw new ServiceError("invalid_request", "Cannot set the attributes: see the faults", {
      faults,
    });
  }
  if (new TextEncoder().encode(JSON.stringify(record)).length > MAX_RECORD_BYTES) {
    const why = `a record has at most ${MAX_RECORD_BYTES} bytes`;
    throw new ServiceError("payload_too_large", `Cannot set the attributes: ${why}`);
  }
  return record;
}
