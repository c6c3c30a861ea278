import { about } from './finding.js';
import type { Answer, Check, Deployment } from './deployment.js';

/** The server sends a new one each time. A proxy sends none, and a cache repeats an old one. */
const requestIdOf = ({ headers }: Answer): string | undefined => headers.get('x-request-id') ?? undefined;

/** Answers that differ by session. Caches often keep 200 alone, or errors for a few seconds. */
const PERSONAL_PATHS = ['/session', '/login', '/callback'];

/** A shared cache would give one user's session to another. */
export const checkCaches: Check = async ({ request }) => {
  const { ok, mistake } = about('caches');
  const cached: string[] = [];
  for (const path of PERSONAL_PATHS) {
    const ids = [requestIdOf(await request(path)), requestIdOf(await request(path))];
    if (ids[0] !== undefined && ids[0] === ids[1]) cached.push(`GET ${path}`);
  }
  return cached.length === 0
    ? [ok('Answers that differ by session come from the server each time.')]
    : [
        mistake(
          `A cache answers ${cached.join(' and ')}, so a stranger gets the session of another user.`,
          'Let the cache obey Cache-Control: no-store, or keep nothing but the files of the page.',
        ),
      ];
};

export const checkMethods: Check = async ({ request }) => {
  const { ok, mistake } = about('methods');
  const answer = await request('/login', { method: 'DELETE' });
  return answer.status === 204 && requestIdOf(answer) !== undefined
    ? [ok('DELETE reaches the server.')]
    : [
        mistake(
          `DELETE /login is answered with ${answer.status}, and not by the server: no login can be cancelled.`,
          'Let the proxy pass on GET, HEAD, POST, DELETE and OPTIONS.',
        ),
      ];
};

/** Requests that the server refuses, with a status each. */
const REFUSED: { path: string; method?: string; type?: string; status: number }[] = [
  { path: '/callback', status: 400 },
  { path: '/login', status: 404 },
  { path: '/login', method: 'POST', type: 'text/plain', status: 415 },
];

/** Clients read the error in the body. */
export const checkErrorAnswers: Check = async ({ request }) => {
  const { ok, mistake } = about('errors');
  const replaced: number[] = [];
  for (const { path, method = 'GET', type, status } of REFUSED) {
    const body = type === undefined ? {} : { headers: { 'Content-Type': type }, body: 'x' };
    const answer = await request(path, { method, ...body });
    if (answer.status !== status || answer.json['status'] !== status) replaced.push(status);
  }
  return replaced.length === 0
    ? [ok('They arrive as the server sends them.')]
    : [
        mistake(
          `Answers with ${replaced.join(', ')} arrive changed, so clients cannot read the error.`,
          'Let the proxy pass on error answers (nginx: proxy_intercept_errors off), those with 5xx as well.',
        ),
      ];
};

/** How apps on Android, Flutter and iOS name themselves, and an unknown client. */
const USER_AGENTS = [
  'okhttp/4.12.0',
  'Dart/3.5 (dart:io)',
  'Example/1 CFNetwork/1568.100.1 Darwin/24.0.0',
  'unknown-client/1.0',
];

export const checkUserAgents: Check = async ({ request }) => {
  const { ok, mistake } = about('user agents');
  for (const agent of USER_AGENTS) {
    const answer = await request('/session', { headers: { 'User-Agent': agent } });
    if (answer.status === 200 && requestIdOf(answer) !== undefined) continue;
    return [
      mistake(
        `A client that sends User-Agent: ${agent} is answered with ${answer.status}, and not by the server.`,
        'Turn off the rules of the proxy or firewall that refuse clients by their name.',
      ),
    ];
  }
  return [ok('Apps and unknown clients reach the server.')];
};

/** The scripts and style sheets that the page names. */
const FILE = /(?:src|href)="(\/[^"]+\.(js|css))"/g;
const TYPES: Record<string, RegExp> = { js: /^text\/javascript/, css: /^text\/css/ };

export const checkPageFiles: Check = async ({ request }) => {
  const { ok, mistake, unchecked } = about('page');
  const { status, text } = await request('/');
  if (status !== 200) return [unchecked(`GET / is answered with ${status}: there is no page.`)];
  const lost = await lostFiles(request, [...text.matchAll(FILE)]);
  return lost.length === 0
    ? [ok('It arrives with its scripts and style sheets.')]
    : [
        mistake(
          `Of the page, ${lost.join(' and ')} did not arrive.`,
          'Let the proxy pass on every path, whatever it ends in, and change no Content-Type.',
        ),
      ];
};

async function lostFiles(
  request: Deployment['request'],
  files: readonly RegExpMatchArray[],
): Promise<string[]> {
  const answers = await Promise.all(
    files.map(async ([, path = '', extension = '']) => ({ path, extension, answer: await request(path) })),
  );
  return answers
    .filter(({ extension, answer }) => {
      const type = answer.headers.get('content-type') ?? '';
      return answer.status !== 200 || !TYPES[extension]?.test(type);
    })
    .map(({ path }) => path);
}
