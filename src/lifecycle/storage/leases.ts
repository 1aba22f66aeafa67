import { randomUUID } from "node:crypto";
import { mkdir, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { basename, join } from "node:path";
import process from "node:process";

const FOLDER = "owners";

/**
 * Says that this process uses a folder. The claim ends with the process, however it ends: it names process id and
 * start time, so that another process with the same id is not taken for it.
 */
export async function claimFolder(folder: string): Promise<void> {
  await mkdir(join(folder, FOLDER), { recursive: true });
  await writeFile(join(folder, FOLDER, await ownerName(process.pid)), "");
}

/** A name for a folder that belongs to this process alone and is claimed by its name. */
export async function ownedName(): Promise<string> {
  return `${await ownerName(process.pid)}-${randomUUID()}`;
}

/** A name for a folder on its way out. It is nobody's: what its remover leaves behind, anybody collects. */
export function trashName(): string {
  return `trash-${randomUUID()}`;
}

/** Whether a name is one of `trashName`. */
export function isTrash(name: string): boolean {
  return name.startsWith("trash-");
}

/** Takes the claim of this process back. The answer is whether nobody else uses the folder. */
export async function releaseFolder(folder: string): Promise<boolean> {
  await rm(join(folder, FOLDER, await ownerName(process.pid)), { force: true });
  return !await isClaimed(folder);
}

/** Whether a living process uses the folder. */
export async function isClaimed(folder: string): Promise<boolean> {
  const owners = await readdir(join(folder, FOLDER)).catch(() => []);
  for (const owner of [...owners, basename(folder).split("-", 1)[0] ?? ""]) {
    const pid = Number(owner.split(".", 1)[0]);
    if (Number.isSafeInteger(pid) && pid > 0 && isAlive(pid) && await ownerName(pid) === owner) return true;
  }
  return false;
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}

async function ownerName(pid: number): Promise<string> {
  return `${pid}.${await startTime(pid)}`;
}

/** Start of a process in ticks since boot; "0" where the system does not tell. */
async function startTime(pid: number): Promise<string> {
  const stat = await readFile(`/proc/${pid}/stat`, "utf8").catch(() => "");
  // The command's name stands in parentheses and may hold anything: fields are counted from behind it.
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return fields[0] === "Z" ? "ended" : fields[19] ?? "0";
}
