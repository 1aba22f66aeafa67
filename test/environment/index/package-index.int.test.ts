import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { packageIndex } from "../../../src/environment/index/package-index.ts";
import { uvEnvironment } from "../../../src/environment/index/uv-environment.ts";
import type { UserEnvironment } from "../../../src/environment/toolchain/user-environment.ts";
import { temporaryFolder, thisPython } from "../support.ts";

/** A user with a home of its own, nothing from this machine's user. */
async function user(files: Readonly<Record<string, string>> = {}): Promise<{ HOME: string }> {
  const home = await temporaryFolder();
  for (const [path, text] of Object.entries(files)) {
    await mkdir(join(home, path, ".."), { recursive: true });
    await writeFile(join(home, path), text);
  }
  return { HOME: home };
}

async function variables(env: UserEnvironment): Promise<Readonly<Record<string, string>>> {
  return (await packageIndex(await thisPython(), env)).variables;
}

const PIP =
  "[global]\nindex-url = https://pip.example/simple\nextra_index_url =\n  https://a.example\n  https://b.example\n" +
  "proxy = http://proxy.example:3128\n[install]\nindex-url = https://install.example/simple\n";
const UV =
  '[[index]]\nname = "corp"\nurl = "https://uv.example/simple"\ndefault = true\n[[index]]\nurl = "https://x.example"\n';

describe("packageIndex", () => {
  it("translates pip's file when uv has no settings", async () => {
    expect(await variables(await user({ ".config/pip/pip.conf": PIP }))).toMatchObject({
      UV_DEFAULT_INDEX: "https://install.example/simple",
      UV_INDEX: "https://a.example https://b.example",
      HTTPS_PROXY: "http://proxy.example:3128",
    });
  });

  it("prefers pip's variables to its file", async () => {
    const env = {
      ...await user({ ".config/pip/pip.conf": PIP }),
      PIP_INDEX_URL: "https://variable.example/simple",
    };
    expect(await variables(env)).toMatchObject({ UV_DEFAULT_INDEX: "https://variable.example/simple" });
  });

  it("prefers uv's file to pip's settings, and uv's variables to both", async () => {
    const env = await user({ ".config/pip/pip.conf": PIP, ".config/uv/uv.toml": UV });
    expect(await variables(env)).toMatchObject({
      UV_DEFAULT_INDEX: "corp=https://uv.example/simple",
      UV_INDEX: "https://x.example",
    });
    expect(await variables({ ...env, UV_INDEX_URL: "https://own.example/simple" })).toMatchObject({
      UV_DEFAULT_INDEX: "https://own.example/simple",
    });
  });

  it("passes no empty variable on", async () => {
    const found = await variables({
      ...await user(),
      PIP_CONFIG_FILE: "/dev/null",
      SSL_CERT_FILE: "",
      UV_INDEX: "",
    });
    expect(Object.values(found).filter((value) => value === "")).toEqual([]);
    expect(found).not.toHaveProperty("SSL_CERT_FILE");
  });

  it("drops folders of packages when they are not there", async () => {
    const env = await user({ "wheels/x": "" });
    const here = join(env.HOME, "wheels");
    const index = await packageIndex(await thisPython(), {
      ...env,
      PIP_FIND_LINKS: `${here} /no/such/folder`,
    });
    expect(index.variables["UV_FIND_LINKS"]).toBe(here);
    expect(index.files).toContain(here);
  });

  it.each([[".config/pip/pip.conf", "no section\n"], [".config/uv/uv.toml", "index = = ="]])(
    "stops when %s cannot be read, instead of asking another index",
    async (path, text) => {
      await expect(variables(await user({ [path]: text }))).rejects.toMatchObject({
        code: "environment_failed",
      });
    },
  );
});

describe("uvEnvironment", () => {
  it("lets nothing of the user's variables through but the index", async () => {
    const hostile = {
      UV_CONFIG_FILE: "/hostile.toml",
      UV_PYTHON: "3.7",
      UV_NO_VERIFY_HASHES: "1",
      UV_CACHE_DIR: "/hostile",
      VIRTUAL_ENV: "/hostile",
      PYTHONPATH: "/hostile",
      LD_PRELOAD: "/hostile.so",
      SECRET_TOKEN: "hostile",
      PIP_CONFIG_FILE: "/dev/null",
      UV_DEFAULT_INDEX: "https://own.example/simple",
      UV_INDEX_CORP_PASSWORD: "kept",
    };
    const index = await packageIndex(await thisPython(), { ...await user(), ...hostile });
    const env = uvEnvironment({ index, cache: "/cache", home: "/room", offline: false });
    expect(JSON.stringify(env)).not.toContain("hostile");
    expect(env).toMatchObject({
      UV_DEFAULT_INDEX: "https://own.example/simple",
      UV_INDEX_CORP_PASSWORD: "kept",
      UV_NO_CONFIG: "1",
      UV_CACHE_DIR: "/cache",
    });
    expect(env).not.toHaveProperty("UV_PYTHON");
    expect(env).not.toHaveProperty("UV_OFFLINE");
    expect(uvEnvironment({ index, cache: "/cache", home: "/room", offline: true })).toHaveProperty(
      "UV_OFFLINE",
      "1",
    );
  });
});
