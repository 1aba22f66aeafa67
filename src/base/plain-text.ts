/**
 * Text from skills, models and strangers, made safe for a terminal: control and format characters (escape sequences,
 * carriage returns, bidirectional overrides, zero-width signs) become visible; new lines and tabs stay.
 */
export function plainText(text: string): string {
  return text.replace(/(?![\n\t])[\p{Cc}\p{Cf}\p{Cs}]/gu, (sign) => {
    return `\\u${(sign.codePointAt(0) ?? 0).toString(16).padStart(4, "0")}`;
  });
}
