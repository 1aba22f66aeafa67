import { describe, expect, it } from "vitest";
import { z } from "zod";
import { leafTool } from "../../src/tools/leaf-tool.ts";

const fields = { name: "t", description: "d", schema: z.object({ n: z.number() }) };

describe("leafTool", () => {
  it("answers a tool call with content and artifact", async () => {
    const tool = leafTool(fields, ({ n }) => Promise.resolve([`${n}`, { n }]));
    const message = await tool.invoke({ type: "tool_call", id: "1", name: "t", args: { n: 2 } });
    expect(message).toMatchObject({ content: "2", artifact: { n: 2 }, tool_call_id: "1" });
  });

  it("refuses input that does not fit its schema", async () => {
    const tool = leafTool(fields, () => Promise.resolve(["", null]));
    await expect(tool.invoke({ n: "x" })).rejects.toThrow("did not match expected schema");
  });

  it("throws the cancellation when it was cancelled meanwhile, whatever its body answers", async () => {
    const control = new AbortController(), reason = new Error("stop");
    const tool = leafTool(fields, () => {
      control.abort(reason);
      return Promise.resolve(["done", null]);
    });
    await expect(tool.invoke({ n: 1 }, { signal: control.signal })).rejects.toBe(reason);
    expect(await leafTool(fields, () => Promise.resolve(["done", null])).invoke({ n: 1 })).toBe("done");
  });
});
