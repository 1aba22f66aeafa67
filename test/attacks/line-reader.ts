/** Gives whole lines to `onLine`, of what comes in pieces. */
export function createLineReader(onLine: (line: string) => void): (chunk: unknown) => void {
  let rest = "";
  return (chunk) => {
    const lines = (rest + String(chunk)).split("\n");
    rest = lines.pop() ?? "";
    for (const line of lines) if (line !== "") onLine(line);
  };
}
