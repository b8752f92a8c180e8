/** How many files, sockets and pipes a process has open, on Linux. */

/** Counts the descriptors of a process, this one where none is named. */
export async function openDescriptors(pid: number = Deno.pid): Promise<number> {
  // Deno itself may not list `/proc` without all permissions.
  const { stdout, success } = await new Deno.Command("ls", { args: [`/proc/${pid}/fd`] }).output();
  if (!success) throw new Error(`Cannot count the descriptors of process ${pid}: it is not there`);
  return new TextDecoder().decode(stdout).trim().split("\n").length;
}
