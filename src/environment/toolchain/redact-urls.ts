/** Takes user names, passwords and tokens out of the URLs in a text. */
export function redactUrls(text: string): string {
  return text.replaceAll(/([a-z][a-z0-9+.-]*:\/\/)[^/\s@"'`]+@/gi, "$1***@");
}
