import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Hooks } from './login/hooks.js';
import type { Env } from './settings.js';

const NAMES = ['beforeLogin', 'beforeSession'] as const satisfies readonly (keyof Hooks)[];

/** The hooks of the module that `HOOKS` names, or what is wrong with it, to be told with what else is wrong. */
export async function loadHooks(env: Env): Promise<{ hooks: Hooks; problems: readonly string[] }> {
  const file = env['HOOKS']?.trim();
  if (!file) return { hooks: {}, problems: [] };
  const path = resolve(file);
  if (!existsSync(path)) return { hooks: {}, problems: [`HOOKS: there is no file ${path}.`] };
  try {
    const found = (await import(pathToFileURL(path).href)) as Record<string, unknown>;
    return { hooks: found, problems: problemsOf(found) };
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    return { hooks: {}, problems: [`HOOKS: ${path} cannot be loaded as an ES module: ${why}`] };
  }
}

/** A hook under a name that is spelled wrong would never be asked, so no other export is taken. */
function problemsOf(found: Record<string, unknown>): string[] {
  const known = NAMES.filter((name) => name in found);
  const others = Object.keys(found).filter((name) => !NAMES.some((each) => each === name));
  return [
    ...(known.length === 0 ? [`HOOKS: the module has to export ${NAMES.join(' or ')}.`] : []),
    ...others.map((name) => `HOOKS: ${name} is no hook; the module may export ${NAMES.join(' and ')} alone.`),
    ...known
      .filter((name) => typeof found[name] !== 'function')
      .map((name) => `HOOKS: ${name} must be a function.`),
  ];
}
