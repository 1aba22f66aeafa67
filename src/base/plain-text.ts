/**
 * Text from skills, models and strangers, made safe for a terminal: control characters (escape sequences, carriage
 * returns, bidirectional overrides) become visible, new lines and tabs stay.
 */
export function plainText(text: string): string {
  // oxlint-disable-next-line eslint/no-control-regex -- control characters are what is looked for
  return text.replace(
    /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u200e\u200f\u202a-\u202e\u2066-\u2069]/g,
    (unit) => {
      return `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`;
    },
  );
}
