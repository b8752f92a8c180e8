/** Encodes events as frames of each protocol. */

import { formatOffset } from "../core/events.ts";
import { quote } from "../core/json.ts";
import type { Protocol } from "./_connection_port.ts";

/** An event's name and arguments as JSON without brackets, and its offset. */
interface FramedEvent {
  readonly args: string;
  readonly offset: number;
  /** Asks a client of Socket.IO to acknowledge it: the offset becomes the id of the packet. */
  readonly ack?: true;
  readonly collapseKey?: string;
}

/** Says that events before it are lost. A message of the service itself has no arguments. */
export const RESYNC = '"resync"';
/** Says that the session has ended. */
export const SESSION_INVALID = '"session:invalid"';

/** Encodes one event, once for each protocol that asks for it. */
export class EventFrames {
  readonly #event: FramedEvent;
  #older: string | undefined;
  #newer: string | undefined;
  #sse: string | undefined;
  #json: string | undefined;

  constructor(event: FramedEvent) {
    this.#event = event;
  }

  of(protocol: Protocol): string {
    if (protocol === 4) return this.#newer ??= frameOf(this.#event, 4);
    if (protocol === 3) return this.#older ??= frameOf(this.#event, 3);
    if (protocol === "sse") return this.#sse ??= frameOf(this.#event, "sse");
    return this.#json ??= frameOf(this.#event, "json");
  }
}

/**
 * Returns the frame of an event. For Socket.IO it is an Engine.IO message with an event in the main
 * namespace. Newer clients send back the last argument of the last event when they reconnect, so
 * theirs end with the offset. Clients of revision 3 get the original's payload byte for byte; a
 * collapse key, which the original does not have, is an argument of its own.
 */
export function frameOf(event: FramedEvent, protocol: Protocol): string {
  const { args, ack, collapseKey } = event;
  const type = ack ? `42${event.offset}` : "42";
  const key = collapseKey === undefined ? "" : `"collapseKey":${quote(collapseKey)}`;
  const extra = key && `,{${key}}`;
  if (protocol === 3) return `${type}[${args}${extra}]`;
  const offset = formatOffset(event.offset);
  if (protocol === 4) return `${type}[${args}${extra},"${offset}"]`;
  const { name, data } = splitArgs(args);
  const more = `${key && `,${key}`}${ack ? ',"ack":true' : ""}`;
  if (protocol === "sse") {
    if (data === undefined) return `id: ${offset}\nevent: ${JSON.parse(name)}\ndata: {}\n\n`;
    return `id: ${offset}\ndata: {"topic":${name},"data":${onOneLine(data)}${more}}\n\n`;
  }
  if (data === undefined) return `{"type":${name},"offset":"${offset}"}`;
  return `{"type":"event","topic":${name},"data":${data}${more},"offset":"${offset}"}`;
}

/** What a stream or a plain WebSocket begins with. */
interface ReadyFields {
  /** The name of the connection; a publish with it as `sourceToken` is not sent back. */
  readonly connection: string;
  /** Milliseconds between two heartbeats of the service. */
  readonly pingInterval: number;
  /** Whether the client was connected before and has missed nothing that is lost. */
  readonly recovered: boolean;
}

/**
 * Returns the first frame of a stream or a plain WebSocket.
 *
 * @param options.offset where the client continues; absent while it has yet to receive `resync`, so
 * that it asks for the same again should the connection break before
 * @param options.retryMs milliseconds after which a client of server-sent events reconnects
 */
export function readyFrame(
  fields: ReadyFields,
  { protocol, offset, retryMs }: {
    readonly protocol: "sse" | "json";
    readonly offset: number | undefined;
    readonly retryMs: number;
  },
): string {
  const id = offset === undefined ? undefined : formatOffset(offset);
  if (protocol === "json") {
    return JSON.stringify({ type: "ready", ...fields, ...(id !== undefined && { offset: id }) });
  }
  const place = id === undefined ? "" : `id: ${id}\n`;
  return `retry: ${retryMs}\n${place}event: ready\ndata: ${JSON.stringify(fields)}\n\n`;
}

/** Separates the name from the data. */
function splitArgs(args: string): { readonly name: string; readonly data: string | undefined } {
  let end = args.indexOf('"', 1);
  while (isEscaped(args, end)) end = args.indexOf('"', end + 1);
  const name = args.slice(0, end + 1);
  const comma = args.indexOf(",", end);
  return { name, data: comma < 0 ? undefined : args.slice(comma + 1) };
}

function isEscaped(text: string, at: number): boolean {
  let backslashes = 0;
  while (text[at - 1 - backslashes] === "\\") backslashes++;
  return backslashes % 2 === 1;
}

/** Data are the publisher's own text. A line break in JSON is only between its tokens. */
function onOneLine(json: string): string {
  // Two searches for a character are cheaper than an expression, and few data have line breaks.
  return json.includes("\n") || json.includes("\r") ? json.replaceAll(/[\r\n]+/g, " ") : json;
}
