/** Reads the heap of a process that runs with `--inspect`. */

/**
 * Returns the bytes in use after a full collection; the process must run with `--inspect` there.
 */
export async function heapBytes(port: number): Promise<number> {
  const targets = await (await fetch(`http://127.0.0.1:${port}/json`)).json();
  const socket = new WebSocket(targets[0].webSocketDebuggerUrl);
  await new Promise((resolve) => socket.onopen = resolve);
  let id = 0;
  const call = (method: string) =>
    new Promise<{ readonly usedSize: number }>((resolve) => {
      const asked = ++id;
      socket.addEventListener("message", ({ data }) => {
        const answer = JSON.parse(data);
        if (answer.id === asked) resolve(answer.result);
      });
      socket.send(JSON.stringify({ id: asked, method }));
    });
  await call("HeapProfiler.enable");
  await call("HeapProfiler.collectGarbage");
  const { usedSize } = await call("Runtime.getHeapUsage");
  socket.close();
  return usedSize;
}
