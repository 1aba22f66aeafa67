import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { SkillError } from "../../base/errors.ts";
import { decodeUtf8, type Json, parseJson } from "../../base/json.ts";

/** One line of a JSONL file, and where it stands: for errors that name it. */
export interface PackageLine {
  readonly place: string;
  readonly value: Json;
}

/** How much a file of a package may hold. */
export interface LineBounds {
  readonly most: number;
  readonly fileBytes: number;
}

/**
 * Reads a JSONL file of a package; blank lines don't count. No file, no lines.
 *
 * @throws {SkillError} `invalid_package` naming the line
 */
export async function readPackageLines(
  packageDir: string,
  file: string,
  bounds: LineBounds,
): Promise<readonly PackageLine[]> {
  const bytes = await readFile(join(packageDir, file)).catch(() => undefined);
  if (bytes === undefined) return [];
  if (bytes.byteLength > bounds.fileBytes) {
    throw tooMuch(file, `is ${bytes.byteLength} bytes long`, bounds.fileBytes);
  }
  const lines = decodeUtf8(bytes, `"${file}"`, "invalid_package").split(/\r?\n/);
  const written = lines.map((text, index) => ({ text, line: index + 1 })).filter(({ text }) =>
    text.trim() !== ""
  );
  if (written.length > bounds.most) throw tooMuch(file, `holds ${written.length} lines`, bounds.most);
  return written.map(({ text, line }) => {
    const place = `"${file}" line ${line}`;
    return { place, value: parseJson(text, place, { code: "invalid_package" }) };
  });
}

function tooMuch(file: string, found: string, limit: number): SkillError {
  return new SkillError("invalid_package", `"${file}" ${found}, the limit is ${limit}`);
}
