import {
  defineCommand,
  expectPhoneNumber,
  parseBaseUrl,
  readSettingsFile,
  SETTINGS_HELP,
  SETTINGS_OPTION,
  UsageError,
} from '../command.js';
import { urlAt } from '../http.js';
import { runChecks } from './checks.js';
import { requestAt } from './deployment.js';
import { isMistake, type Finding } from './finding.js';
import { readSettings } from './settings.js';

const USAGE = `Usage: silent-auth doctor <base url> [--login <number>] [--settings <file>] [--json]
Checks a deployment of the server from outside, and its settings where they are here; says how to correct what is wrong.

  <base url>  where phones and browsers reach the server: its PUBLIC_URL, with the path of routes that another app serves
  --login     begins two logins for this number, opens their links, and cancels them: cookies, the redirect URI and
              addresses cannot be checked otherwise. They count for the limits, Vonage is asked for each, and no message
              is sent. With SILENT_AUTH=verify one verification is started, which the server cancels half a minute
              later; where the number cannot be silent, Vonage may have gone on to an SMS by then. +99012345678 is
              Vonage's virtual operator
  ${SETTINGS_HELP}
  --json      prints an array of {check, verdict, says, mend}
  --help      shows this

Reads the settings of the server. With them it also asks Vonage for the templates of the account, which changes and costs
nothing, and writes a few keys to Redis that expire after two seconds. The server logs what it refuses. Exits with 0 where
there is no mistake, 1 where there is one, 2 when it was called wrongly. Where NODE_EXTRA_CA_CERTS names a file of
certificates, they are trusted as well.`;

export const doctor = defineCommand({
  usage: USAGE,
  options: {
    ...SETTINGS_OPTION,
    login: { type: 'string' },
    json: { type: 'boolean', default: false },
  },
  async run({ values, positionals }, { env, world, out }) {
    const [address, ...more] = positionals;
    if (address === undefined || more.length > 0)
      throw new UsageError('A base URL is wanted, and nothing else.');
    const base = parseBaseUrl(address);
    expectPhoneNumber(values.login);
    const settings = readSettings(readSettingsFile(values.settings, env), base);
    const findings: Finding[] = [];
    const deployment = {
      ...{ base, world, settings, number: values.login },
      request: (path: string, request: RequestInit = {}) => requestAt(urlAt(base, path), request, world),
    };
    for await (const finding of runChecks(deployment)) {
      findings.push(finding);
      if (!values.json) out(describe(finding));
    }
    out(values.json ? JSON.stringify(findings, undefined, 2) : summaryOf(findings));
    return findings.some(isMistake) ? 1 : 0;
  },
});

const describe = ({ check, verdict, says, mend }: Finding): string =>
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
