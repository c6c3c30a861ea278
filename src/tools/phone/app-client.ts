import { reach } from './reach.js';

/** What the server answered to the app. */
export interface Reply {
  status: number;
  json: Record<string, unknown>;
}

/** An app's own HTTP client: its cookies are not those of the SDK. */
export interface AppClient {
  /** @throws Error in words, where the server did not answer */
  ask(method: string, path: string, body?: object): Promise<Reply>;
}

/** How long an app waits for its server, in milliseconds. */
const PATIENCE_MS = 15_000;

/** @param trace is given what goes over the wire, line by line */
export function createAppClient(base: URL, trace: (line: string) => void): AppClient {
  const cookies = new Map<string, string>();
  const keep = (line: string): void => {
    const [, name = '', value = ''] = /^([^=;]+)=([^;]*)/.exec(line) ?? [];
    const isOver = /;\s*max-age=(?:0|-\d+)\s*(?:;|$)/i.test(line) || value === '';
    const isOutOfPlace = /;\s*secure\s*(?:;|$)/i.test(line) && base.protocol !== 'https:';
    if (isOver) cookies.delete(name);
    else if (!isOutOfPlace) cookies.set(name, value);
  };
  return {
    async ask(method, path, body) {
      const cookie = [...cookies].map(([name, value]) => `${name}=${value}`).join('; ');
      const headers = {
        Accept: 'application/json',
        ...(body && { 'Content-Type': 'application/json' }),
        ...(cookie !== '' && { Cookie: cookie }),
      };
      const text = body && JSON.stringify(body);
      trace(`> ${method} ${path}`);
      for (const [name, value] of Object.entries(headers)) trace(`> ${name}: ${value}`);
      if (text) trace(`> ${text}`);
      const request = { method, headers, ...(text && { body: text }) };
      const answer = await reach(new URL(path, base), request, PATIENCE_MS);
      answer.headers.getSetCookie().forEach(keep);
      trace(`< ${answer.status} ${answer.statusText}`);
      for (const [name, value] of answer.headers) trace(`< ${name}: ${value}`);
      if (answer.text !== '') trace(`< ${answer.text}`);
      return { status: answer.status, json: answer.json };
    },
  };
}
