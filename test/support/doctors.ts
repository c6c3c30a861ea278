import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Finding } from '../../src/tools/doctor/finding.js';
import { ca } from './front.js';
import { node, source, type Env } from './programs.js';

/** The result of a run of `doctor`. */
export interface Visit {
  code: number;
  findings: Finding[];
  text: string;
}

/**
 * Runs `doctor` in a separate process that trusts the CA of the proxies, since Node reads trusted
 * CAs at its start. Runs are sequential.
 */
export function callDoctor() {
  const folder = mkdtempSync(join(tmpdir(), 'doctor-'));
  const [bundle, noFile] = [join(folder, 'ca.pem'), join(folder, 'none.env')];
  writeFileSync(bundle, ca.certificate);
  writeFileSync(noFile, '');
  const { child } = node(source('test/support/doctor-process.ts'), { NODE_EXTRA_CA_CERTS: bundle });
  const { stdin, stdout } = child;
  if (!stdin || !stdout) throw new Error('the doctor process has no pipes');
  const lines = createInterface({ input: stdout });
  return {
    /** Files: the trusted certificates, and an empty settings file. */
    bundle,
    noFile,
    async visit(args: string[], env: Env): Promise<Visit> {
      const asked = { args: [...args, '--json', '--settings', noFile], env };
      stdin.write(`${JSON.stringify(asked)}\n`);
      const [line] = (await once(lines, 'line')) as [string];
      const { code, text } = JSON.parse(line) as { code: number; text: string };
      return { code, text, findings: JSON.parse(text) as Finding[] };
    },
    leave: () => rmSync(folder, { recursive: true }),
  };
}
