import { SkillError } from "../base/errors.ts";

/** One file of a package, as `digestFiles` takes it. */
export interface PackageFile {
  /** Path below the package, with `/`. */
  readonly path: string;
  readonly executable: boolean;
  readonly bytes: Uint8Array;
}

/** Bounds of a package. */
export interface PackageBounds {
  /** Default 512. */
  readonly maxFiles?: number;
  /** Of all files together. Default 16 MiB. */
  readonly maxBytes?: number;
}

const MAX_FILES = 512;
const MAX_BYTES = 16 * 1024 * 1024;
const MAX_DEPTH = 16;

/** Gathers the files of a package, wherever they come from, within its bounds. */
export class PackageCollector {
  readonly #maxFiles: number;
  readonly #maxBytes: number;
  /** Path by its form on file systems that ignore case. */
  readonly #names = new Map<string, string>();
  readonly #files: PackageFile[] = [];
  #bytes = 0;

  constructor({ maxFiles = MAX_FILES, maxBytes = MAX_BYTES }: PackageBounds = {}) {
    this.#maxFiles = maxFiles;
    this.#maxBytes = maxBytes;
  }

  /** Bytes that may still come. */
  get bytesLeft(): number {
    return this.#maxBytes - this.#bytes;
  }

  /** Sorted by path. */
  get files(): readonly PackageFile[] {
    return this.#files.toSorted((a, b) => (a.path < b.path ? -1 : 1));
  }

  /** Takes the name of a file or folder. @throws {SkillError} `invalid_package` for one that is refused or has a twin */
  name(path: string): void {
    const parts = path.split("/");
    if (parts.length > MAX_DEPTH + 1) {
      throw new SkillError(
        "invalid_package",
        `${path.slice(0, 200)} is nested deeper than ${MAX_DEPTH} folders`,
      );
    }
    // oxlint-disable-next-line no-control-regex -- control characters are what is looked for
    if (/[\u0000-\u001f\u007f\\\uFFFD]/.test(path)) {
      throw new SkillError(
        "invalid_package",
        `${JSON.stringify(path.slice(0, 200))} has a character in its name that is not accepted`,
      );
    }
    const folded = path.normalize("NFC").toLowerCase();
    const twin = this.#names.get(folded);
    if (twin !== undefined) {
      const how = twin === path ? "occurs twice" : `and "${path}" differ in case only`;
      throw new SkillError("invalid_package", `"${twin}" ${how}`, { fix: "Rename one of them" });
    }
    this.#names.set(folded, path);
  }

  /** Says that one more file comes. @throws {SkillError} `invalid_package` when it is one too many */
  expect(): void {
    if (this.#files.length < this.#maxFiles) return;
    throw new SkillError("invalid_package", `the package has more than ${this.#maxFiles} files`, {
      fix: "Leave out what the skill doesn't need to run and to be tested",
    });
  }

  /** Takes a file whose name was taken. @throws {SkillError} `invalid_package` */
  add(file: PackageFile): void {
    this.expect();
    if (file.bytes.byteLength > this.bytesLeft) throw this.tooLarge(file.path);
    this.#bytes += file.bytes.byteLength;
    this.#files.push(file);
  }

  tooLarge(path: string, cause?: unknown): SkillError {
    return new SkillError(
      "invalid_package",
      `the package is larger than ${this.#maxBytes} bytes, counted up to ${path}`,
      { fix: "Leave out what the skill doesn't need to run and to be tested", cause },
    );
  }
}
