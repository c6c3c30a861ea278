/** A name or a string of JSON, and whether a colon follows; or where an object begins or ends. */
const TOKEN = /[{}]|("[^"\\]*(?:\\.[^"\\]*)*")\s*(:?)/g;

/**
 * Whether an object in this text names a field twice. JSON.parse keeps the last of two equal names
 * and other readers the first (RFC 8259 section 4), so such a text says two things.
 * @param text JSON that JSON.parse has accepted
 * @param json what it made of it
 */
export function hasDoubledNames(text: string, json: unknown): boolean {
  // What comes out as it went in names nothing twice. That is most of what is read here, and this
  // is quick.
  if (JSON.stringify(json) === text) return false;
  const open: Set<string>[] = [];
  for (const [token, literal, colon] of text.matchAll(TOKEN)) {
    if (token === '{') open.push(new Set());
    else if (token === '}') open.pop();
    else if (literal !== undefined && colon === ':') {
      const names = open.at(-1);
      const name = literal.includes('\\') ? (JSON.parse(literal) as string) : literal.slice(1, -1);
      if (names?.has(name)) return true;
      names?.add(name);
    }
  }
  return false;
}
