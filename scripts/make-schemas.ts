// Writes the JSON Schemas that editors use from the models that read the files: node scripts/make-schemas.ts
import { writeFile } from "node:fs/promises";
import { manifestJsonSchema } from "../src/manifest/manifest-schema.ts";

await writeFile(
  new URL("../schema/manifest.schema.json", import.meta.url),
  `${JSON.stringify(manifestJsonSchema(), null, 2)}\n`,
);
