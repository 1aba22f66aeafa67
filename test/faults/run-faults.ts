import { execFile } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import type { FaultCode } from "../support/faults/gate.ts";
import { FAULTY_NODE } from "../support/faults/faults.ts";
import type { FaultOrder, FaultTry } from "./host.ts";

const HOST = fileURLToPath(new URL("host.ts", import.meta.url));
const CODES: readonly FaultCode[] = ["ENOSPC", "EIO", "EROFS", "EMFILE", "EACCES"];
const MOST_BYTES = 64 << 20;

/** Does what a scenario does again and again; each time another operation fails, `step` further on. */
export async function runFaults(scenario: string, step: number): Promise<readonly FaultTry[]> {
  const folder = mkdtempSync(join(tmpdir(), "skillwright-faults-"));
  const order: FaultOrder = { folder, scenario, step, codes: CODES };
  try {
    const flags = ["--conditions=@skillwright/source", "--disable-warning=ExperimentalWarning"];
    const args = [...flags, HOST, JSON.stringify(order)];
    const env = { PATH: process.env["PATH"], HOME: folder };
    const { stdout } = await promisify(execFile)(FAULTY_NODE, args, { env, maxBuffer: MOST_BYTES });
    return stdout.split("\n").filter((line) => line !== "").map((line) => JSON.parse(line) as FaultTry);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** What is wrong with a try: an error without a type, or a home that is neither as before nor as after. */
export function faultTrouble({ code, at, lasting, end, problems }: FaultTry): readonly string[] {
  const what = `${code} at operation ${at}${lasting ? " and after it" : ""}`;
  const wrong = end === "done" || /^[a-z_]+$/.test(end) ? problems : [end, ...problems];
  return wrong.map((one) => `${what}: ${one}`);
}
