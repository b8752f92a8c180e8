/** Two TCP connections that the balancer joins until one of them ends. */

/** Copies bytes between a client's and a node's connection. */
export class Pipe {
  /** Resolves when both are closed. */
  readonly ended: Promise<unknown>;
  readonly #client: Deno.TcpConn;
  readonly #node: Deno.TcpConn;
  /** Pending while the client reads nothing from the node. */
  #open: PromiseWithResolvers<void> | undefined;
  #isLost = false;

  constructor(client: Deno.TcpConn, node: Deno.TcpConn) {
    this.#client = client;
    this.#node = node;
    client.setNoDelay(true);
    node.setNoDelay(true);
    this.ended = Promise.all([this.#toClient(), this.#toNode()]);
  }

  /** Closes both connections. */
  cut(): void {
    this.hold(false);
    close(this.#client);
    close(this.#node);
  }

  /** Closes the client's connection; discards what the node sends until the node closes its own. */
  lose(): void {
    this.#isLost = true;
    this.hold(false);
    close(this.#client);
  }

  /** Stops or resumes reading from the node. */
  hold(isHeld: boolean): void {
    if (isHeld) this.#open ??= Promise.withResolvers();
    else {
      this.#open?.resolve();
      this.#open = undefined;
    }
  }

  async #toClient(): Promise<void> {
    const buffer = new Uint8Array(16_384);
    try {
      for (;;) {
        await this.#open?.promise;
        const count = await this.#node.read(buffer);
        if (count === null) break;
        if (!this.#isLost) await this.#writeToClient(buffer.subarray(0, count));
      }
    } catch {
      // One of them is closed or reset.
    }
    this.cut();
  }

  /** A client that disconnects during a write is no reason to close the node's connection. */
  async #writeToClient(bytes: Uint8Array): Promise<void> {
    try {
      await writeAll(this.#client, bytes);
    } catch (thrown) {
      if (!this.#isLost) throw thrown;
    }
  }

  async #toNode(): Promise<void> {
    const buffer = new Uint8Array(16_384);
    try {
      for (;;) {
        const count = await this.#client.read(buffer);
        if (count === null) break;
        await writeAll(this.#node, buffer.subarray(0, count));
      }
    } catch {
      // One of them is closed or reset.
    }
    if (!this.#isLost) this.cut();
  }
}

async function writeAll(connection: Deno.TcpConn, bytes: Uint8Array): Promise<void> {
  for (let at = 0; at < bytes.length;) at += await connection.write(bytes.subarray(at));
}

function close(connection: Deno.TcpConn): void {
  try {
    connection.close();
  } catch {
    // Already closed.
  }
}
