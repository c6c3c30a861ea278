import { createClient, LoginError, type Client } from '../silent-auth.js';
import { keepLeft, keepLogin, notifyOtherTabs } from './storage.js';
import type { Answer, Effect, Event, Request, Timing } from './state.js';

/** Does what a change of the state asks for, and reports answers as events. */

interface Tools {
  emit: (event: Event) => void;
  /** The turn that answers belong to. */
  turn: () => number;
  locale: string;
}

export function createEffects({ emit, turn, locale }: Tools): (effect: Effect) => void {
  const { server, timingOf } = timedClient();

  const ask = async (request: Request, asked = turn()): Promise<void> => {
    const about = { on: 'answer', to: request.do, request, turn: asked };
    const path = request.do === 'verify' ? '/verify' : '/login';
    try {
      const result = await call(server, request, locale);
      emit({ ...about, ok: true, result, timing: timingOf(path) } as Answer);
    } catch (error) {
      if (!(error instanceof LoginError)) throw error;
      emit({ ...about, ok: false, problem: error, timing: timingOf(path) } as Answer);
    }
  };

  const cancel = async (asked: number): Promise<void> => {
    window.stop();
    await server.cancel().catch(() => undefined);
    // The login may have succeeded before it was cancelled.
    await ask({ do: 'session' }, asked);
  };

  let sms: AbortController | undefined;
  const readSms = (isOn: boolean): void => {
    sms?.abort();
    if (!isOn || !('OTPCredential' in window)) return;
    sms = new AbortController();
    // WebOTP: the browser offers the code of an SMS whose text ends in `@<host> #<code>`.
    const wanted = { otp: { transport: ['sms'] }, signal: sms.signal } as CredentialRequestOptions;
    navigator.credentials.get(wanted).then(
      (offered) => emit({ on: 'type_code', text: (offered as { code?: string } | null)?.code ?? '' }),
      // Refused by the user, or aborted.
      () => undefined,
    );
  };

  return (effect) => {
    switch (effect.do) {
      case 'login':
      case 'verify':
      case 'next':
      case 'session':
      case 'logout':
        return void ask(effect);
      case 'current':
        return void setTimeout((asked: number) => void ask(effect, asked), effect.afterMs ?? 0, turn());
      case 'cancel':
        return void cancel(turn());
      case 'open':
        return location.assign(effect.url);
      case 'continue':
        return location.replace(effect.url);
      case 'reload':
        return location.reload();
      case 'keep':
        return keepLogin(effect.login);
      case 'leave':
        return keepLeft(effect.left);
      case 'notify':
        return notifyOtherTabs(effect.change);
      case 'read_sms':
        return readSms(effect.on);
    }
  };
}

function call(server: Client, request: Request, locale: string): Promise<unknown> {
  switch (request.do) {
    case 'login':
      return server.login(request.number, { client: 'browser', locale });
    case 'current':
      return server.current();
    case 'verify':
      return server.verify(request.code);
    case 'next':
      return server.next(request.channel, { resend: request.resend });
    case 'session':
      return server.session();
    case 'logout':
      return server.logout();
  }
}

/** The client, and how long the last request to each path took. */
function timedClient(): { server: Client; timingOf: (path: string) => Timing } {
  const timings = new Map<string, Timing>();
  const timedFetch: typeof fetch = async (path, request) => {
    const key = path as string;
    timings.delete(key);
    const startedAt = performance.now();
    const answer = await fetch(path, request);
    const serverMs = readTiming(answer.headers.get('Server-Timing') ?? '');
    timings.set(key, { durationMs: performance.now() - startedAt, serverMs });
    return answer;
  };
  const timingOf = (path: string): Timing => timings.get(path) ?? { durationMs: undefined, serverMs: {} };
  return { server: createClient({ fetch: timedFetch }), timingOf };
}

/** `callback;dur=12.3, total;dur=45` (Server Timing, section 3). */
const readTiming = (header: string): Record<string, number> =>
  Object.fromEntries(
    [...header.matchAll(/(\w+);dur=([\d.]+)/g)].map(([, name = '', ms]) => [name, Number(ms)]),
  );
