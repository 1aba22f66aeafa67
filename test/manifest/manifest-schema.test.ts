import { readFileSync } from "node:fs";
import { parse } from "smol-toml";
import { describe, expect, it } from "vitest";
import { compileSchema } from "../../src/manifest/json-schema.ts";
import { manifestJsonSchema } from "../../src/manifest/manifest-schema.ts";

describe("schema/manifest.schema.json", () => {
  const pinned: unknown = JSON.parse(
    readFileSync(new URL("../../schema/manifest.schema.json", import.meta.url), "utf8"),
  );

  it("is what the model says (else run scripts/make-schemas.ts)", () => {
    expect(pinned).toEqual(JSON.parse(JSON.stringify(manifestJsonSchema())));
  });

  it("accepts a manifest and refuses an unknown key", () => {
    const check = compileSchema(pinned);
    const manifest = parse(
      'id = "a"\nname = "A"\nversion = "1.0"\n[[tools]]\nname = "t"\ninput_schema = { type = "object" }',
    );
    expect(check(JSON.parse(JSON.stringify(manifest))).ok).toBe(true);
    expect(check({ ...manifest, serv: "fd" }).ok).toBe(false);
  });
});
