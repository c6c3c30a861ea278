import en from '../../public/words/en.json' with { type: 'json' };
import type { Channel, CodeChannel } from '../../client/silent-auth.js';
import {
  initialState,
  type Effect,
  type Event,
  type Request,
  type Settings,
  type State,
  type TabLogin,
} from '../../client/page/state.js';
import { isTicking, update } from '../../client/page/update.js';
import { view, type View } from '../../client/page/view.js';
import { plain, type Text } from '../../client/page/words.js';

export const LOGIN_ID = 'a'.repeat(32);
export const CODE = 'c'.repeat(43);
const EXPIRES = '2026-01-01T00:05:00.000Z';
const START = Date.parse('2026-01-01T00:00:00.000Z');

/** Answers of the server, as the client returns them. */
export const silent = (
  authUrl: string | null = 'https://operator.example/',
  nextChannels: CodeChannel[] = [],
) => ({ loginId: LOGIN_ID, channel: 'silent_auth', authUrl, expiresAt: EXPIRES, nextChannels }) as const;
export const coded = (channel: CodeChannel = 'sms', nextChannels: CodeChannel[] = ['voice']) => ({
  ...{ loginId: LOGIN_ID, channel, authUrl: null, expiresAt: EXPIRES, nextChannels, codeLength: 6 },
  ...{ sent: true, resendAt: new Date(START + 30_000).toISOString() },
});
export const open = (nextChannels: CodeChannel[] = ['sms', 'voice'], reason?: string) => ({
  ...{ loginId: LOGIN_ID, channel: null, authUrl: null, expiresAt: EXPIRES, nextChannels },
  ...(reason !== undefined && { reason }),
});
export const pending = (login: object, status = 'pending') => ({ ...login, status });
export const user = (channel: Channel = 'silent_auth') => ({
  ...{ authenticated: true, phoneNumber: '+447700900000', channel },
  ...{ authenticatedAt: EXPIRES, expiresAt: EXPIRES },
});
export const tabLogin: TabLogin = {
  ...{ number: '+447700900000', loginId: LOGIN_ID, startedAt: START - 5000, durations: [10, 20] },
  leftAt: START - 4000,
};

/** The page without a browser: what the user and the server do, and what it then shows and asks. */
export interface Player {
  state: State;
  /** What was asked for by the last event. */
  effects: readonly Effect[];
  view: View;
  send(event: Event): Player;
  /** The page is loaded with this fragment, in a tab with this login. */
  load(fragment?: string, login?: TabLogin, keepsCookies?: boolean): Player;
  submit(number?: string): Player;
  /** The server answers the last request. */
  answer(result: unknown): Player;
  refuse(error: string, more?: object): Player;
  pass(seconds: number): Player;
  /** The last request that was asked. */
  asked(): Request | undefined;
  did(name: Effect['do']): boolean;
  lead(): string;
}

const ANSWERED = ['login', 'current', 'verify', 'next', 'session', 'logout'];

export function play(settings: Partial<Settings> = {}): Player {
  let now = START;
  let state = initialState({ silent: true, explain: false, ...settings }, 'GB', now);
  let effects: readonly Effect[] = [];
  let last: { request: Request; turn: number } | undefined;
  const show = () => view(state, { words: en, locale: 'en-GB' });
  const respond = (outcome: object) => {
    if (last === undefined) throw new Error('nothing was asked');
    const { request, turn } = last;
    const timing = { durationMs: 30, serverMs: { total: 20, callback: 5 } };
    return player.send({ on: 'answer', to: request.do, request, turn, timing, ...outcome } as never);
  };
  const player: Player = {
    get state() {
      return state;
    },
    get effects() {
      return effects;
    },
    get view() {
      return show();
    },
    send(event) {
      ({ state, effects } = update(state, event, now));
      for (const effect of effects)
        if (ANSWERED.includes(effect.do)) last = { request: effect as Request, turn: state.turn };
      return player;
    },
    load: (fragment = '', login, keepsCookies = true) =>
      player.send({ on: 'open', fragment, login, keepsCookies, loadedAt: now }),
    submit(number = '07700 900000') {
      player.send({ on: 'type', text: number, format: true });
      return player.send({ on: 'submit', keepsCookies: true });
    },
    answer: (result) => respond({ ok: true, result }),
    refuse: (error, more = {}) => respond({ ok: false, problem: { error, ...more } }),
    pass(seconds) {
      for (let second = 0; second < seconds; second += 1) {
        now += 1000;
        if (isTicking(state)) player.send({ on: 'tick' });
      }
      return player;
    },
    asked: () => last?.request,
    did: (name) => effects.some((effect) => effect.do === name),
    lead: () => textOf(show().lead),
  };
  return player;
}

export const textOf = (text: Text | undefined): string => plain(text ?? []);
