import { sendRequest, urlAt } from '../http.js';

/** An answer of the server to the app. */
export interface Reply {
  status: number;
  json: Record<string, unknown>;
}

/** The app's own HTTP client. The SDK has cookies of its own. */
export interface AppClient {
  /** @throws Error with a message for the user, where the server does not answer */
  request(method: string, path: string, body?: object): Promise<Reply>;
}

const ANSWER_TIMEOUT_MS = 15_000;

/** @param trace called with each line that is sent or received */
export function createAppClient(base: URL, trace: (line: string) => void): AppClient {
  const cookies = new Map<string, string>();
  const keep = (line: string): void => {
    const [, name = '', value = ''] = /^([^=;]+)=([^;]*)/.exec(line) ?? [];
    const isExpired = /;\s*max-age=(?:0|-\d+)\s*(?:;|$)/i.test(line) || value === '';
    const isForHttpsOnly = /;\s*secure\s*(?:;|$)/i.test(line) && base.protocol !== 'https:';
    if (isExpired) cookies.delete(name);
    else if (!isForHttpsOnly) cookies.set(name, value);
  };
  return {
    async request(method, path, body) {
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
      const init = { method, headers, ...(text && { body: text }) };
      const answer = await sendRequest(urlAt(base, path), init, ANSWER_TIMEOUT_MS);
      answer.headers.getSetCookie().forEach(keep);
      trace(`< ${answer.status} ${answer.statusText}`);
      for (const [name, value] of answer.headers) trace(`< ${name}: ${value}`);
      if (answer.text !== '') trace(`< ${answer.text}`);
      return { status: answer.status, json: answer.json };
    },
  };
}
