/**
 * Admits a Socket.IO socket to the namespace. The answer to the CONNECT packet comes last, because
 * it says whether something is missing.
 */

import type { Socket } from "socket.io";
import type { ConnectionAdmission } from "./_connection_admission.ts";
import type { EngineSocket } from "./_engine_socket.ts";
import type { HandshakeGuard, RefusedHandshake } from "./_handshake_guard.ts";
import { pidFor, resumeRequestOf } from "./_resume.ts";

interface SocketAdmissionOptions {
  readonly guard: HandshakeGuard;
  readonly admission: ConnectionAdmission;
}

/** A socket whose CONNECT packet is answered with success. */
interface AdmittedSocket {
  /** The id that the client sends when it reconnects. Clients of revision 3 do not use it. */
  readonly pid: string | undefined;
  /** Whether the client reconnected and has missed nothing that is lost. */
  readonly recovered: boolean;
  readonly refusal?: never;
}

/**
 * Returns the function that admits or refuses a socket. It sets `socket.data` to the socket's
 * `SocketConnection` once that is in the index, where it stays even if the socket is refused.
 */
export function createSocketAdmission(
  { guard, admission }: SocketAdmissionOptions,
): (socket: Socket) => Promise<AdmittedSocket | RefusedHandshake> {
  return async (socket) => {
    const identified = await guard.identify(socket);
    if (identified.refusal) return identified;
    const port = socket.conn as unknown as EngineSocket;
    const request = port.protocol === 3 ? undefined : resumeRequestOf(socket.handshake.auth);
    const applicant = { identified, socketId: socket.id, port, request, canAcknowledge: true };
    const connection = admission.register(applicant);
    if ("refusal" in connection) return connection;
    socket.data = connection;
    const joined = await admission.join(connection, request);
    if (joined.refusal) return joined;
    const { offset, last, complete, isReturn } = joined;
    const pid = port.protocol === 3
      ? undefined
      : pidFor(request?.id ?? socket.id, { request, offset, last, complete });
    return { pid, recovered: isReturn && complete };
  };
}
