import type { Example } from "../../../src/lifecycle/test-report.ts";
import type { PackageFiles } from "../../../src/lifecycle/packages/package-text.ts";

/** What is asked for in tests with real Python. */
export const ROMAN_INTENT = "turn a whole number from 1 to 3999 into a Roman numeral";

export const ROMAN_EXAMPLES: readonly Example[] = [
  { input: { number: 1 }, expected: "I" },
  { input: { number: 4 }, expected: "IV" },
  { input: { number: 1994 }, expected: "MCMXCIV" },
  { input: { number: 58 }, expected: "LVIII" },
  { input: { number: 0 }, compare: "error" },
];

/** Its manifest: one tool, `to_roman`. */
export const ROMAN_MANIFEST: string = `id = "roman"
name = "Roman numerals"
version = "1.0.0"
description = "Turn an integer into a Roman numeral"
serve = "functions"

[[tools]]
name = "to_roman"
description = "Integer to Roman numeral"
input_schema = { type = "object", properties = { number = { type = "integer" } }, required = ["number"] }
output_schema = { type = "string" }
`;

const SCRIPT = `# /// script
# requires-python = ">=3.9"
# dependencies = []
# ///

SIGNS = [(1000, "M"), (900, "CM"), (500, "D"), (400, "CD"), (100, "C"), (90, "XC"),
         (50, "L"), (40, "XL"), (10, "X"), (9, "IX"), (5, "V"), (4, "IV"), (1, "I")]


def to_roman(number: int) -> str:
    if not 1 <= number <= 3999:
        raise ValueError(f"number must be 1 to 3999, got {number}")
    text = ""
    for value, sign in SIGNS:
        while number >= value:
            text += sign
            number -= value
    return text
`;

/** A skill that does it. */
export const ROMAN: PackageFiles = {
  "manifest.toml": ROMAN_MANIFEST,
  "skill.py": SCRIPT,
};
