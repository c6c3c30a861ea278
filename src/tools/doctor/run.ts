import { readFileSync } from 'node:fs';
import { parseEnv } from 'node:util';
import type { Surroundings } from '../terminal.js';
import type { Env } from '../../config/reader.js';
import type { World } from '../../core/world.js';
import { USAGE, readArguments, type Arguments } from './arguments.js';
import { examine } from './examination.js';
import { wordsOf } from '../phone/words.js';
import { isMistake, type Finding } from './finding.js';
import { askAt, type Patient } from './patient.js';
import { readSettings } from './settings.js';

/** Looks at a deployment as the command line says. @returns 0 without mistakes, 1 with some, 2 where it was called wrongly */
export async function runDoctor(args: readonly string[], surroundings: Surroundings): Promise<0 | 1 | 2> {
  const { out, err } = surroundings;
  const wanted = readArguments(args);
  if (typeof wanted !== 'object') {
    if (wanted === undefined) out(USAGE);
    else err(`${wanted}\n${USAGE}`);
    return wanted === undefined ? 0 : 2;
  }
  const env = readEnv(wanted.file, surroundings.env);
  if (typeof env === 'string') {
    err(env);
    return 2;
  }
  const findings: Finding[] = [];
  for await (const finding of examine(patientOf(wanted, env, surroundings.world))) {
    findings.push(finding);
    if (!wanted.json) out(inWords(finding));
  }
  out(wanted.json ? JSON.stringify(findings, undefined, 2) : summaryOf(findings));
  return findings.some(isMistake) ? 1 : 0;
}

/** @returns the environment over what the file says; or what is wrong with the file, in words */
function readEnv(file: string | undefined, env: Env): Env | string {
  try {
    return { ...parseEnv(readFileSync(file ?? '.env', 'utf8')), ...env };
  } catch (error) {
    const isMissing = error instanceof Error && 'code' in error && error.code === 'ENOENT';
    return file === undefined && isMissing ? env : `${file ?? '.env'} cannot be read: ${wordsOf(error)}.`;
  }
}

function patientOf({ base, login }: Arguments, env: Env, world: World): Patient {
  return {
    base,
    ask: (path, request = {}) => askAt(new URL(path, base), request, world),
    world,
    settings: readSettings(env, base),
    number: login,
  };
}

const inWords = ({ check, verdict, says, mend }: Finding): string =>
  [
    `${verdict.padEnd(11)}  ${check}: ${says}`,
    ...(mend === undefined ? [] : [`${' '.repeat(13)}→ ${mend}`]),
  ].join('\n');

function summaryOf(findings: readonly Finding[]): string {
  const count = (verdict: Finding['verdict']) => findings.filter((each) => each.verdict === verdict).length;
  const many = (number: number, noun: string) => `${number} ${noun}${number === 1 ? '' : 's'}`;
  const wrong = `${many(count('mistake'), 'mistake')}, ${many(count('warning'), 'warning')}`;
  return `${wrong}, ${count('ok')} ok, ${count('not checked')} not checked.`;
}
