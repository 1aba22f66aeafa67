/**
 * The environment of every program, whichever backend: nothing of the host's. One thread for OpenBLAS, whose threads
 * would each take memory and time at import.
 */
export function programEnvironment(home: string, temporary: string): Readonly<Record<string, string>> {
  return {
    PATH: "/usr/bin:/bin",
    HOME: home,
    TMPDIR: temporary,
    LANG: "C.UTF-8",
    MALLOC_ARENA_MAX: "2",
    OPENBLAS_NUM_THREADS: "1",
  };
}
