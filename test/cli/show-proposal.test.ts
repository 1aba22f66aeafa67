import { expect, test } from "vitest";
import { showDiff } from "../../src/cli/show-proposal.ts";

test("showDiff colours what was added and removed, and lets no control character through", () => {
  const style = (name: string, text: string): string => `<${name}>${text}</>`;
  const diff = "--- a/skill.py\n+++ b/skill.py\n@@ -1,2 +1,2 @@\n kept\n-old\n+new \u001b[31m\n";
  expect(showDiff({ style }, diff).split("\n")).toEqual([
    "<bold>--- a/skill.py</>",
    "<bold>+++ b/skill.py</>",
    "<cyan>@@ -1,2 +1,2 @@</>",
    " kept",
    "<red>-old</>",
    "<green>+new \\u001b[31m</>",
  ]);
});
