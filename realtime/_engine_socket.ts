/**
 * The official Engine.IO socket without the parts that cost memory: its timers (see
 * `_heartbeats.ts`) and, on a WebSocket, the listeners between it and its transport. On the wire it
 * behaves as the official one.
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

/** The layer above a socket. The socket calls it directly instead of through listeners. */
export interface SocketConsumer {
  ondata(data: unknown): void;
  onclose(reason: string, description?: unknown): void;
}

/**
 * Learns from heartbeats and polls up to where a client has received everything. A client
 * acknowledges in order: by its pong to a ping of the server or, in revision 3, by its next ping,
 * which it only sends after the server's pong.
 */
export interface HeartbeatListener {
  /** Whether something was sent that only the answer to a later ping acknowledges. */
  readonly needsAck: boolean;
  ackRequested(): void;
  /** The client has received everything that was sent before the last request. */
  ackReceived(): void;
  /** Everything that waited was sent with the answer to a poll. */
  pollAnswered(): void;
  /** The client polls again, so it has received the answer to its last poll. */
  pollReceived(): void;
}

/** The members of the server that a socket uses. */
export interface EngineSocketServer {
  readonly opts: { readonly pingInterval?: number; readonly pingTimeout?: number };
  readonly heartbeats: Heartbeats;
  /** Milliseconds from an event to an early ping that has the client acknowledge it; 0: none. */
  readonly askAfter: number;
  forget(socket: EngineSocket): void;
}

/** How many times `askAfter` an early ping waits at most. */
const MAX_ASK_FACTOR = 8;

const Official = Socket as unknown as new (
  id: string,
  server: EngineSocketServer,
  transport: Transport,
  request: EngineRequest,
  revision: 3 | 4,
) => OfficialSocket;

/** One Engine.IO session. */
export class EngineSocket extends Official implements HeartbeatTarget, BacklogPeer, TransportOwner {
  // The official constructor sets these by calling the methods below.
  declare heartbeatAt: number;
  declare pingMs: number;
  declare timeoutMs: number;
  declare awaitsPong: boolean;
  declare hasEarlyPing: boolean;
  /** Early pings in a row, while the client keeps receiving events. */
  declare earlyPings: number;
  declare queuedChars: number;
  declare closeReason: string | undefined;
  declare consumer: SocketConsumer | undefined;
  declare heartbeatListener: HeartbeatListener | undefined;

  /** Bytes that wait for the peer, in this socket or in the WebSocket. */
  get backlogBytes(): number {
    const { transport } = this;
    return (this.queuedChars ?? 0) +
      (transport instanceof WebSocketTransport ? transport.backlogBytes : 0);
  }

  /**
   * Sends an Engine.IO message that is encoded already. It goes straight to the WebSocket where
   * nothing else waits, and the official way otherwise, so that the order holds.
   *
   * @param frame the message with the packet type `4` in front
   */
  sendText(frame: string): void {
    const direct = directTransport(this);
    if (direct) direct.write(frame);
    else this.sendPacket("message", frame.slice(1));
  }

  /** Sets the layer above, which has removed its listeners. */
  attach(consumer: SocketConsumer): void {
    this.consumer = consumer;
    // Node's emitter creates it again when the next listener is added.
    if (this.eventNames().length === 0) this._events = undefined;
  }

  /** Drops a peer that does not read. */
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
    // The client keeps the times of its open packet, whatever is configured later.
    this.pingMs = this.server.opts.pingInterval!;
    this.timeoutMs = this.server.opts.pingTimeout!;
    this.hasEarlyPing = false;
    this.earlyPings = 0;
    schedulePingFor(this);
    this.server.heartbeats.add(this);
  }

  /** Called by the official constructor for revision 3: the client pings. */
  resetPingTimeout(): void {
    this.pingMs = this.server.opts.pingInterval!;
    this.timeoutMs = this.server.opts.pingTimeout!;
    awaitPeer(this);
    this.server.heartbeats.add(this);
  }

  /** Sends a ping, or closes the socket where the peer did not answer in time. */
  heartbeat(): void {
    if (this.protocol === 3 || this.awaitsPong) this.onClose("ping timeout");
    else {
      this.hasRefreshedPingTimeout = false;
      const direct = directTransport(this);
      if (direct) direct.write("2");
      else this.sendPacket("ping");
      this.heartbeatListener?.ackRequested();
      this.awaitsPong = true;
      this.hasEarlyPing = false;
      awaitPeer(this);
    }
  }

  /**
   * Sends the next ping within about a second, so that the client acknowledges what was sent. The
   * protocol allows it in revision 4; in revision 3 the client pings. A ping and its answer cost
   * more than an event, so a client that keeps receiving events is asked less and less often.
   */
  pingSoon(): void {
    const { askAfter, heartbeats } = this.server;
    if (this.hasEarlyPing || this.awaitsPong || this.protocol === 3 || askAfter === 0) return;
    // Over polling the client's next poll acknowledges.
    if (!(this.transport instanceof WebSocketTransport)) return;
    const now = heartbeats.now();
    const answeredAt = this.heartbeatAt - this.pingMs;
    const inRow = now - answeredAt < askAfter * MAX_ASK_FACTOR ? this.earlyPings : 0;
    const factor = inRow < 2 ? 1 : Math.min(2 ** (inRow - 1), MAX_ASK_FACTOR);
    this.earlyPings = inRow + 1;
    this.hasEarlyPing = true;
    this.heartbeatAt = Math.min(this.heartbeatAt, now + askAfter * factor);
  }

  /** A client of revision 4 answered the ping. */
  onPong(): void {
    if (this.readyState !== "open") return;
    this.heartbeatListener?.ackReceived();
    schedulePingFor(this);
    if (this.heartbeatListener?.needsAck) this.pingSoon();
  }

  /** The client sent a poll. */
  onPoll(): void {
    this.heartbeatListener?.pollReceived();
  }

  override onPacket(packet: Packet): void {
    if (this.readyState !== "open") return;
    const isOlder = this.protocol === 3;
    if (packet.type === "pong" && !isOlder) return this.onPong();
    const isPing = packet.type === "ping" && isOlder;
    if (isPing) this.heartbeatListener?.ackReceived();
    if (isOlder) awaitPeer(this);
    else if (this.awaitsPong && !this.hasRefreshedPingTimeout) {
      // As in the official code: any other packet extends the wait for the pong, but only once.
      this.hasRefreshedPingTimeout = true;
      awaitPeer(this);
    }
    super.onPacket(packet);
    if (isPing) this.heartbeatListener?.ackRequested();
    // The official code handles this packet from polling clients only.
    if (packet.type === "close") this.onClose("transport close");
  }

  override emit(event: string, ...details: unknown[]): boolean {
    if (this.consumer) {
      if (event === "data") this.consumer.ondata(details[0]);
      else if (event === "close") this.consumer.onclose(details[0] as string, details[1]);
    }
    return super.emit(event, ...details);
  }

  override onDrain(): void {
    super.onDrain();
    // Frees the capacity that the array has grown to.
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
    if (isPolling) this.heartbeatListener?.pollAnswered();
  }
}

// Functions, because the official constructor calls methods before private ones exist.

/** Returns the WebSocket where nothing waits that a direct write would overtake. */
function directTransport(socket: EngineSocket): WebSocketTransport | undefined {
  const { transport } = socket;
  const isDirect = transport instanceof WebSocketTransport && transport.writable &&
    socket.readyState === "open" && socket.writeBuffer.length === 0 && !socket.upgrading;
  return isDirect ? transport : undefined;
}

function schedulePingFor(socket: EngineSocket): void {
  socket.awaitsPong = false;
  socket.heartbeatAt = socket.server.heartbeats.now() + socket.pingMs;
}

function awaitPeer(socket: EngineSocket): void {
  socket.heartbeatAt = socket.server.heartbeats.now() + socket.timeoutMs +
    (socket.protocol === 3 ? socket.pingMs : 0);
}
