import { z } from "zod";
import { manifestModel } from "./manifest-model.ts";

/** The JSON Schema of `manifest.toml`, for editors. What it can't say (ids of devices, twins) `parseManifest` says. */
export function manifestJsonSchema(): Record<string, unknown> {
  const { $schema, ...schema } = z.toJSONSchema(manifestModel, { io: "input" });
  return { $schema, title: "manifest.toml of a Skillwright skill", ...schema };
}
