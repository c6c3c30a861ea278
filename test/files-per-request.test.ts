import { execFile } from 'node:child_process';
import { resolve } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** The most files that a request may run through; `npm run rooms` prints the count. */
const MOST = {
  'POST /login': 30,
  'GET /callback': 16,
  'POST /verify, silent': 22,
  'POST /login/next': 28,
  'POST /verify, typed': 28,
};

test('a request runs through no more files than allowed', async () => {
  const args = ['--import', 'tsx', 'bench/files-per-request.ts', '--json'];
  const { stdout } = await run(process.execPath, args, { cwd: resolve(__dirname, '..'), timeout: 60_000 });
  const lists = JSON.parse(stdout) as Record<keyof typeof MOST, string[]>;
  const counts = Object.entries(lists).map(([request, files]) => [request, files.length] as const);
  expect(counts.map(([request]) => request)).toEqual(Object.keys(MOST));
  for (const [request, files] of counts) {
    expect(files).toBeGreaterThan(5);
    expect(files).toBeLessThanOrEqual(MOST[request as keyof typeof MOST]);
  }
}, 60_000);
