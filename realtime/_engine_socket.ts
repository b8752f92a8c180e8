/**
 * The official Engine.IO socket with what costs memory taken out: its timers (see
 * `_heartbeats.ts`) and, on a WebSocket, the listeners between it and its transport. What it
 * says and does on the wire is the official code's.
 */

import { Socket, type Transport } from "engine.io";
import type { BacklogPeer } from "./_backlog.ts";
import type { EngineRequest } from "./_engine_request.ts";
import type { Heartbeats, HeartbeatTarget } from "./_heartbeats.ts";
import { type Packet, type TransportOwner, WebSocketTransport } from "./_web_socket_transport.ts";

/** The members of the official class that are used here; most are private in its types. */
interface OfficialSocket {
  readonly id: string;
  readonly protocol: 3 | 4;
  readonly upgrading: boolean;
  readonly upgraded: boolean;
  hasRefreshedPingTimeout: boolean;
  readyState: "opening" | "open" | "closing" | "closed";
  request: unknown;
  transport: Transport;
  writeBuffer: Packet[];
  server: EngineSocketServer;
  onPacket(packet: Packet): void;
  onError(error: Error): void;
  onClose(reason: string, description?: unknown): void;
  onDrain(): void;
  emit(event: string, ...details: unknown[]): boolean;
  eventNames(): unknown[];
  _events: unknown;
  sentCallbackFn: unknown[];
  setTransport(transport: Transport): void;
  clearTransport(): void;
  sendPacket(type: string, data?: string): void;
  flush(): void;
  close(discard?: boolean): void;
  send(data: string | Uint8Array): void;
  _maybeUpgrade(transport: Transport): void;
  on(event: string, listener: (...args: never[]) => void): void;
  once(event: string, listener: (...args: never[]) => void): void;
}

/** What sits on top of a socket and is called instead of listening. */
export interface SocketConsumer {
  ondata(data: unknown): void;
  onclose(reason: string, description?: unknown): void;
}

/**
 * Told when a client was sent something that it answers once it has got everything before: a ping
 * of the server, or the pong without which an older client does not ping again.
 */
export interface HeartbeatListener {
  /** It was sent something that proves itself no sooner than by its next answer. */
  readonly isWaiting: boolean;
  asked(): void;
  /** It has got everything that it was sent before it was last asked. */
  answered(): void;
  /** All that there was to send went out with the answer to a poll. */
  flushed(): void;
  /** It polls again, and so has got the answer to the poll before. */
  polled(): void;
}

/** What a socket needs of its server. */
export interface EngineSocketServer {
  readonly opts: { readonly pingInterval?: number; readonly pingTimeout?: number };
  readonly heartbeats: Heartbeats;
  /** Milliseconds from an event to the question whether it has arrived; 0: with the next ping. */
  readonly askAfter: number;
  forget(socket: EngineSocket): void;
}

const Official = Socket as unknown as new (
  id: string,
  server: EngineSocketServer,
  transport: Transport,
  request: EngineRequest,
  revision: 3 | 4,
) => OfficialSocket;

/** One Engine.IO session. */
export class EngineSocket extends Official implements HeartbeatTarget, BacklogPeer, TransportOwner {
  // The official constructor sets these by way of the methods below.
  declare heartbeatAt: number;
  declare pingMs: number;
  declare timeoutMs: number;
  declare awaitsPong: boolean;
  declare asksSoon: boolean | undefined;
  declare queuedChars: number;
  declare closeReason: string | undefined;
  declare upper: SocketConsumer | undefined;
  declare heartbeatListener: HeartbeatListener | undefined;

  /** Bytes waiting for the peer, here or in the WebSocket. */
  get backlogBytes(): number {
    const { transport } = this;
    return (this.queuedChars ?? 0) +
      (transport instanceof WebSocketTransport ? transport.backlogBytes : 0);
  }

  /**
   * Sends an Engine.IO message that is already text: straight to the WebSocket where nothing can
   * be overtaken, else by the official way.
   *
   * @param frame the message with the packet type `4` in front
   */
  sendText(frame: string): void {
    const direct = directTransport(this);
    if (direct) direct.write(frame);
    else this.sendPacket("message", frame.slice(1));
  }

  /** Puts something on top that has taken its listeners off. */
  attach(upper: SocketConsumer): void {
    this.upper = upper;
    // Made anew by whoever listens next.
    if (this.eventNames().length === 0) this._events = undefined;
  }

  /** Gives up a peer that does not read. */
  drop(): void {
    this.onClose("backlog");
  }

  whenGone(run: () => void): void {
    const { transport } = this;
    if (!(transport instanceof WebSocketTransport) || transport.isGone) return run();
    transport.onGone = () => {
      transport.onGone = undefined;
      run();
    };
  }

  /** Called by the official constructor for revision 4: the server pings. */
  schedulePing(): void {
    // What the open packet said holds for this socket, whatever is configured later.
    this.pingMs = this.server.opts.pingInterval!;
    this.timeoutMs = this.server.opts.pingTimeout!;
    waitForPing(this);
    this.server.heartbeats.add(this);
  }

  /** Called by the official constructor for revision 3: the client pings. */
  resetPingTimeout(): void {
    this.pingMs = this.server.opts.pingInterval!;
    this.timeoutMs = this.server.opts.pingTimeout!;
    waitForPeer(this);
    this.server.heartbeats.add(this);
  }

  /** Called when the next heartbeat is due. */
  heartbeat(): void {
    if (this.protocol === 3 || this.awaitsPong) this.onClose("ping timeout");
    else {
      this.hasRefreshedPingTimeout = false;
      const direct = directTransport(this);
      if (direct) direct.write("2");
      else this.sendPacket("ping");
      this.heartbeatListener?.asked();
      this.awaitsPong = true;
      this.asksSoon = false;
      waitForPeer(this);
    }
  }

  /**
   * Pings within about a second, so that what was sent is proven to have arrived. The protocol allows
   * it in revision 4; in revision 3 it is the client that pings.
   */
  askSoon(): void {
    const { askAfter, heartbeats } = this.server;
    if (this.asksSoon || this.awaitsPong || this.protocol === 3 || askAfter === 0) return;
    // Over polling the next poll says as much.
    if (!(this.transport instanceof WebSocketTransport)) return;
    this.asksSoon = true;
    this.heartbeatAt = Math.min(this.heartbeatAt, heartbeats.now() + askAfter);
  }

  /** A client of revision 4 has answered the ping. */
  onPong(): void {
    if (this.readyState !== "open") return;
    this.heartbeatListener?.answered();
    waitForPing(this);
    if (this.heartbeatListener?.isWaiting) this.askSoon();
  }

  /** The client polls. */
  onPoll(): void {
    this.heartbeatListener?.polled();
  }

  override onPacket(packet: Packet): void {
    if (this.readyState !== "open") return;
    const isOlder = this.protocol === 3;
    if (packet.type === "pong" && !isOlder) return this.onPong();
    const isBeat = packet.type === "ping" && isOlder;
    if (isBeat) this.heartbeatListener?.answered();
    if (isOlder) waitForPeer(this);
    else if (this.awaitsPong && !this.hasRefreshedPingTimeout) {
      // As in the official code: another packet extends the wait for a pong, but only once.
      this.hasRefreshedPingTimeout = true;
      waitForPeer(this);
    }
    super.onPacket(packet);
    if (isBeat) this.heartbeatListener?.asked();
    // The official code takes this packet from polling clients only.
    if (packet.type === "close") this.onClose("transport close");
  }

  override emit(event: string, ...details: unknown[]): boolean {
    if (this.upper) {
      if (event === "data") this.upper.ondata(details[0]);
      else if (event === "close") this.upper.onclose(details[0] as string, details[1]);
    }
    return super.emit(event, ...details);
  }

  override onDrain(): void {
    super.onDrain();
    // Lets go of the room that the array has grown to.
    if (this.sentCallbackFn.length === 0) this.sentCallbackFn = [];
  }

  override onClose(reason: string, description?: unknown): void {
    if (this.readyState === "closed") return;
    this.closeReason = reason;
    this.server.heartbeats.remove(this);
    super.onClose(reason, description);
    this.server.forget(this);
  }

  override setTransport(transport: Transport): void {
    if (!(transport instanceof WebSocketTransport)) return super.setTransport(transport);
    this.transport = transport;
    transport.owner = this;
  }

  override clearTransport(): void {
    if (this.transport instanceof WebSocketTransport) this.transport.owner = undefined;
    super.clearTransport();
  }

  override sendPacket(type: string, data?: string, ...rest: never[]): void {
    if (data) this.queuedChars = (this.queuedChars ?? 0) + data.length;
    super.sendPacket(type, data, ...rest as []);
  }

  override flush(): void {
    const isPolling = this.writeBuffer.length > 0 && this.transport.name === "polling";
    super.flush();
    if (this.writeBuffer.length > 0) return;
    this.queuedChars = 0;
    if (isPolling) this.heartbeatListener?.flushed();
  }
}

// Functions, because the official constructor calls methods before private ones are there.

/** The WebSocket, where nothing can be overtaken. */
function directTransport(socket: EngineSocket): WebSocketTransport | undefined {
  const { transport } = socket;
  const isDirect = transport instanceof WebSocketTransport && transport.writable &&
    socket.readyState === "open" && socket.writeBuffer.length === 0 && !socket.upgrading;
  return isDirect ? transport : undefined;
}

function waitForPing(socket: EngineSocket): void {
  socket.awaitsPong = false;
  socket.heartbeatAt = socket.server.heartbeats.now() + socket.pingMs;
}

function waitForPeer(socket: EngineSocket): void {
  socket.heartbeatAt = socket.server.heartbeats.now() + socket.timeoutMs +
    (socket.protocol === 3 ? socket.pingMs : 0);
}
