import { generateKeyPairSync } from 'node:crypto';
import { parseArgs } from 'node:util';
import type { Contestant, Environment } from './environment.js';
import { machine } from './report.js';
import { measureRound } from './round.js';
import { median, table } from './statistics.js';

/**
 * `npm run bench -- engines [--rounds 20] [--seconds 1] [--warm-up 5000] [--server dist/main.js]`
 *
 * The CPU time of a login by `oidc`, and by `camara` with each kind of client key, each on Redis as
 * in production. Each makes the same two calls to the upstream.
 */
const OPTIONS = {
  rounds: { type: 'string', default: '20' },
  seconds: { type: 'string', default: '1' },
  'warm-up': { type: 'string', default: '5000' },
  server: { type: 'string', default: 'dist/main.js' },
} as const;

const KEYS = {
  ES256: generateKeyPairSync('ec', { namedCurve: 'P-256' }),
  RS256: generateKeyPairSync('rsa', { modulusLength: 2048 }),
};

const camara = (operator: string, alg: keyof typeof KEYS) => ({
  SILENT_AUTH: 'camara',
  CAMARA_ISSUER: operator,
  CAMARA_CLIENT_ID: 'bench',
  CAMARA_PRIVATE_KEY: KEYS[alg].privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
  CAMARA_SCOPE: 'openid dpv:FraudPreventionAndDetection number-verification:verify',
  CAMARA_API_ROOT: operator,
});

/** @returns the report */
export async function compareEngines(environment: Environment, args: string[]): Promise<string> {
  const { values: options } = parseArgs({ args, options: OPTIONS });
  const operator = await environment.upstream.ask<string>('operator');
  const engines = {
    oidc: { SILENT_AUTH: 'oidc' },
    'camara, ES256': camara(operator, 'ES256'),
    'camara, RS256': camara(operator, 'RS256'),
  };
  const costs = new Map<Contestant, number[]>();
  for (const [name, settings] of Object.entries(engines)) {
    const contestant = await environment.open({ name, file: options.server, settings });
    const warmUp = { base: contestant.base, atOnce: 16, logins: Number(options['warm-up']) };
    await environment.load.ask('run', warmUp);
    costs.set(contestant, []);
  }
  for (let round = 0; round < Number(options.rounds); round++) {
    for (const [contestant, measured] of costs) {
      const cell = { delayMs: 0, atOnce: 16 };
      const result = await measureRound(environment, { contestant, cell, seconds: Number(options.seconds) });
      measured.push(result.cpu.contestant / result.logins);
    }
  }
  const [first = []] = costs.values();
  const rows = [...costs].map(([{ name }, measured]) => {
    const ratios = measured.map((cost, round) => cost / (first[round] ?? 0));
    return [name, median(measured).toFixed(0), median(ratios).toFixed(2)];
  });
  return [machine(), '', table(['engine', 'CPU per login (µs)', 'to oidc'], rows)].join('\n');
}
