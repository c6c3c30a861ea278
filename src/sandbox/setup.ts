import { existsSync, writeFileSync } from 'node:fs';
import { envFileOf, newCredentials } from './credentials.js';

/** `npm run setup`: writes an env file with new credentials, unless it exists. */
const [file] = process.argv.slice(2);
if (file === undefined) {
  process.stderr.write('Name the file to write, such as .env\n');
  process.exitCode = 1;
} else if (existsSync(file)) {
  process.stdout.write(`${file} is already there; it was left as it is.\n`);
} else {
  // `wx` fails if the file was created in the meantime.
  writeFileSync(file, envFileOf(newCredentials()), { mode: 0o600, flag: 'wx' });
  process.stdout.write(`${file} written: server and sandbox can start.\n`);
}
