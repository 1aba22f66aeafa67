import { SkillError } from "./errors.ts";

/**
 * What the work gives, or `cancelled` as soon as the signal says so. The work goes on, and nobody hears of it: only for
 * what leaves nothing half done.
 */
export async function untilCancelled<T>(
  work: Promise<T>,
  signal: AbortSignal | undefined,
  what: string,
): Promise<T> {
  if (signal === undefined) return await work;
  let onAbort = (): void => {};
  const cancelled = new Promise<never>((_resolve, reject) => {
    onAbort = () => reject(new SkillError("cancelled", `${what} was cancelled`, { cause: signal.reason }));
  });
  if (signal.aborted) onAbort();
  signal.addEventListener("abort", onAbort, { once: true });
  try {
    return await Promise.race([work, cancelled]);
  } finally {
    signal.removeEventListener("abort", onAbort);
  }
}
