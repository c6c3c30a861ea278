import { readFileSync } from 'node:fs';

/** Environment variables, by their names. */
export type Env = Readonly<Record<string, string | undefined>>;

/**
 * Looks up environment variables, each by its name, or in the file that the variable of this name with `_FILE` behind it
 * names: so Docker, Kubernetes and systemd hand out secrets, and what is in a file is not in the environment of every
 * process beside ours. Empty counts as absent, and the blanks around a value are not part of it.
 * @param fail is told, once for each variable, what is wrong with its file, without the path, which may be a secret put in its place
 */
export function lookUp(env: Env, fail: (problem: string) => void): (name: string) => string | undefined {
  const plain = (name: string): string | undefined => env[name]?.trim() || undefined;
  const fromFile = (name: string, path: string): string | undefined => {
    if (plain(name) !== undefined) {
      fail(`${name} and ${name}_FILE are both set: leave out the one that is not meant.`);
      return undefined;
    }
    try {
      const text = readFileSync(path, 'utf8').trim();
      if (text === '') fail(`${name}_FILE names a file that is empty.`);
      return text || undefined;
    } catch (error) {
      const { code = 'unknown' } = error as NodeJS.ErrnoException;
      fail(`${name}_FILE names no file that can be read here (${code}).`);
      return undefined;
    }
  };
  const read = new Map<string, string | undefined>();
  return (name) => {
    const path = plain(`${name}_FILE`);
    if (path === undefined) return plain(name);
    if (!read.has(name)) read.set(name, fromFile(name, path));
    return read.get(name);
  };
}
