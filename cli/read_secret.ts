/** Reads a secret so that it appears neither on the screen nor in the shell's history. */

const encoder = new TextEncoder();
const decoder = new TextDecoder();
const MAX_BYTES = 64 * 1024;

/** From the terminal without echo, or the whole of a pipe; `undefined` where there is nothing. */
export async function readSecret(question: string): Promise<string | undefined> {
  if (!Deno.stdin.isTerminal()) return textOrNothing(await readPipe());
  // Before the question, so that what is typed at once is not echoed either.
  Deno.stdin.setRaw(true);
  try {
    Deno.stderr.writeSync(encoder.encode(question));
    return textOrNothing(readTyped());
  } finally {
    Deno.stdin.setRaw(false);
    Deno.stderr.writeSync(encoder.encode("\n"));
  }
}

function readTyped(): string {
  const typed: number[] = [];
  const buffer = new Uint8Array(256);
  for (;;) {
    const count = Deno.stdin.readSync(buffer);
    if (count === null) break;
    for (const byte of buffer.subarray(0, count)) {
      if (byte === 0x03) Deno.exit(130); // Ctrl-C sends no signal in raw mode
      if (byte === 0x0d || byte === 0x0a || byte === 0x04) {
        return decoder.decode(new Uint8Array(typed));
      }
      if (byte === 0x7f || byte === 0x08) typed.pop();
      else if (typed.length < MAX_BYTES) typed.push(byte);
    }
  }
  return decoder.decode(new Uint8Array(typed));
}

async function readPipe(): Promise<string> {
  let text = "";
  for await (const part of Deno.stdin.readable.pipeThrough(new TextDecoderStream())) {
    text += part;
    if (text.length > MAX_BYTES) break;
  }
  return text;
}

function textOrNothing(text: string): string | undefined {
  return text.trim() === "" ? undefined : text.trim();
}
