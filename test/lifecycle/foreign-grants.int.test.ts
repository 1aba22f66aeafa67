import { mkdirSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { afterEach, beforeEach, expect, it } from "vitest";
import { romanSkill, type TestHome, testHome } from "./support/open-home.ts";

let home: TestHome;
let shared: string;
beforeEach(() => {
  home = testHome();
  // Not in the system's temporary folder: what a manifest calls so is the skill's own.
  shared = join(realpathSync("/var/tmp"), `skillwright-shared-${process.pid}`);
  mkdirSync(join(shared, "sub"), { recursive: true });
  writeFileSync(join(shared, "sub/file"), "data");
});
afterEach(async () => {
  await home.close();
  rmSync(shared, { recursive: true, force: true });
});

/** A skill of another id, with permissions. */
function skill(id: string, permissions: string): string {
  const files = romanSkill();
  const manifest = (files["manifest.toml"] ?? "").replace('id = "roman"', `id = "${id}"`);
  return home.write(id, {
    ...files,
    "manifest.toml": `${manifest}\n[security.permissions]\n${permissions}\n`,
  });
}

it("a grant below a folder that another skill may write is refused when the skill is to start", async () => {
  const permissions = {
    network_access: true,
    file_read: [shared],
    file_write: [shared],
    process_spawn: true,
  };
  const library = await home.open({ settings: { security: { max_permissions: permissions } } });
  await library.install(skill("reader", `file_read = ["${shared}/sub"]`));
  await library.activate("reader");
  expect((await library.run("reader", { number: 4 })).value).toBe("IV");
  await library.install(skill("writer", `file_write = ["${shared}"]`));
  await library.activate("writer");
  await library.install(skill("second_reader", `file_read = ["${shared}/sub"]`));
  await expect(library.activate("second_reader")).rejects.toMatchObject({ code: "permission_refused" });
  await library.disable("writer");
  await library.activate("second_reader");
  expect((await library.run("second_reader", { number: 4 })).value).toBe("IV");
});
