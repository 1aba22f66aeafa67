import { readFile, rm, rmdir } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { makeFolder, syncFolder, writeFileAtomic } from "../../base/atomic-file.ts";
import type { HomeView } from "../records/home-view.ts";
import type { HomeLayout } from "../storage/home-layout.ts";
import { isTrash } from "../storage/leases.ts";
import { type Build, readBuild } from "./build.ts";
import type { Staging } from "./staging.ts";

const NOTE = "placing.json";

/**
 * Puts finished builds where generations find them. A note in staging says what is being placed, so that a build whose
 * generation was never committed is found again and removed.
 */
export class Placement {
  readonly #layout: HomeLayout;
  readonly #staging: Staging;
  readonly #view: HomeView;

  constructor(layout: HomeLayout, staging: Staging, view: HomeView) {
    this.#layout = layout;
    this.#staging = staging;
    this.#view = view;
  }

  /** Moves a build to its place and runs `commit`. If that throws, the build is removed, unless a generation uses it. */
  async place<T>(build: Pick<Build, "dir" | "build" | "resolved">, commit: () => Promise<T>): Promise<T> {
    const { id } = build.resolved.manifest;
    const note = await this.#staging.temporary();
    const place = this.#layout.build(id, build.build);
    try {
      // A build whose note a power cut took would stay for good.
      await writeFileAtomic(join(note, NOTE), JSON.stringify({ id, build: build.build }));
      await syncFolder(dirname(note));
      await makeFolder(dirname(place));
      const isSound = async (): Promise<boolean> => (await readBuild(place))?.build === build.build;
      if (build.dir !== place) await this.#staging.moveTo(build.dir, place, isSound);
      await syncFolder(dirname(place));
      return await commit();
    } finally {
      // What was committed stands, whatever can't be removed: as long as the note is there, that is collected later.
      await this.#settle(note).then(() => this.#staging.forget(note), () => {});
    }
  }

  /** Settles what dead processes were placing. */
  async collect(): Promise<void> {
    for await (const path of this.#staging.leftovers()) {
      if (!isTrash(basename(path))) await this.#settle(path);
    }
  }

  /** Removes the build of a note unless a generation uses it, then the note; of what is no note, nothing. */
  async #settle(note: string): Promise<void> {
    const text = await readFile(join(note, NOTE), "utf8").catch(() => undefined);
    if (text === undefined) return;
    const named = readNote(text);
    if (named !== undefined && !this.#isUsed(named.id, named.build)) {
      const place = this.#layout.build(named.id, named.build);
      await rm(place, { recursive: true, force: true });
      await this.#removeEmpty(named.id);
    }
    await this.#staging.forget(note);
  }

  /** The folders that were made for the first build of a skill, and hold nothing else yet. */
  async #removeEmpty(id: string): Promise<void> {
    const runtime = this.#layout.runtime(id);
    for (const folder of [join(runtime, "builds"), runtime, this.#layout.runtimes]) {
      await rmdir(folder).catch(() => {});
    }
  }

  #isUsed(id: string, build: string): boolean {
    return this.#view.find(id)?.generations.some((one) => one.build === build) === true;
  }
}

/** A note cut short by a kill names nothing: then nothing was placed. */
function readNote(text: string): { readonly id: string; readonly build: string } | undefined {
  const match = /^\{"id":"([a-z][a-z0-9_-]{0,63})","build":"([0-9a-f]{64})"\}$/.exec(text);
  return match?.[1] === undefined || match[2] === undefined ? undefined : { id: match[1], build: match[2] };
}
