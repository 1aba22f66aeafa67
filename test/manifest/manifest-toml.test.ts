import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type ManifestDraft, renderManifest } from "../../src/manifest/manifest-toml.ts";
import { parseManifest } from "../../src/manifest/manifest.ts";
import { errorOf } from "./helpers.ts";

describe("renderManifest", () => {
  it("writes what is given, in the order of a manifest written by hand", () => {
    const draft: ManifestDraft = {
      tools: [{ name: "to_roman", description: "Convert", input_schema: { type: "object" } }],
      description: "Convert integers",
      version: "1.0.0",
      name: "Roman numerals",
      id: "roman",
      triggers: ["a"],
    };
    expect(renderManifest(draft)).toBe(
      'id = "roman"\nname = "Roman numerals"\nversion = "1.0.0"\ndescription = "Convert integers"\ntriggers = [ "a" ]\n\n' +
        '[[tools]]\nname = "to_roman"\ndescription = "Convert"\n\n[tools.input_schema]\ntype = "object"\n',
    );
  });

  it("writes what parseManifest reads back", () => {
    const text = fc.string({ unit: "grapheme", minLength: 1, maxLength: 40 }).filter((value) =>
      value.trim() === value
    );
    const key = fc.string({ unit: "grapheme", maxLength: 10 }).filter((name) =>
      !["__proto__", "constructor"].includes(name)
    );
    const draft = fc.record({
      id: fc.constant("roman"),
      name: text,
      version: fc.constant("1.2.3-rc.1"),
      description: text,
      triggers: fc.uniqueArray(text, { maxLength: 3 }),
      tools: fc.array(
        fc.record({
          description: text,
          properties: fc.dictionary(key, fc.record({ type: fc.constant("string"), default: text })),
        }),
        { maxLength: 2 },
      ).map((tools) =>
        tools.map(({ description, properties }, index) => ({
          name: `tool_${index}`,
          description,
          input_schema: { type: "object", properties },
        }))
      ),
    });
    fc.assert(
      fc.property(draft, (given) => {
        const { manifest } = parseManifest(renderManifest(given));
        expect(JSON.parse(JSON.stringify(manifest))).toMatchObject(JSON.parse(JSON.stringify(given)));
      }),
      { numRuns: 100 },
    );
  });

  it("refuses what TOML can't hold", async () => {
    const tools = [{ name: "a", input_schema: { type: "object", properties: { x: { enum: ["a", null] } } } }];
    const error = await errorOf(() => renderManifest({ id: "a", name: "A", version: "1.0.0", tools }));
    expect([error.code, error.fix]).toEqual(["invalid_manifest", expect.stringContaining("null")]);
  });
});
