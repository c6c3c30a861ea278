import { CHALLENGE } from '../../support/house.js';
import type { Arena } from './arena.js';
import { JARS, PEOPLE, type Jar, type Move, type Step, type Who } from './moves.js';
import { createTable, NUMBERS } from './table.js';

/** Pairs of PKCE: the attacker does not know the one of honest users. */
const PKCE: Record<Who, typeof CHALLENGE> = {
  alice: CHALLENGE,
  bob: CHALLENGE,
  eve: {
    verifier: 'A'.repeat(43),
    challenge: 'DwBzhbb51LfusnSGBa_hqYSgo7-j8BTQnip4TOnlzRo',
  },
};

export interface Game {
  /** Makes a move and judges what came of it. @returns what is broken, if anything is */
  move: (move: Move, isLast: boolean) => Promise<string | undefined>;
}

/** The latest but so many of those there are. */
const latest = <T>(of: readonly T[], age: number): T | undefined => of[of.length - 1 - (age % of.length)];

/** Plays one game in an arena that was made new, and lets the oracle judge after every move. */
export function createGame(arena: Arena): Game {
  const { house, gate, wire, reached } = arena;
  const { base, world } = house;
  const { oracle, jars, hand, links, cookies, heard, hear, say, travel } = createTable(arena);
  /** What can be noted of an answer only when everything that happens at once is over. */
  const settle: (() => void)[] = [];

  const begin = async ({ jar, number, client, challenge }: Step & { do: 'begin' }): Promise<void> => {
    const by = JARS[jar];
    const at = world.now();
    const body = {
      phone_number: NUMBERS[number],
      client,
      ...(challenge && { code_challenge: PKCE[by].challenge }),
    };
    const [{ status, json }, held] = await say(jar, 'POST', '/login', body);
    if (status !== 201) return;
    const link = typeof json?.['auth_url'] === 'string' ? json['auth_url'] : null;
    const verifier = challenge ? PKCE[by].verifier : undefined;
    oracle.begun(held, { number: NUMBERS[number], client, verifier, by, at, over: false }, link);
    if (link !== null) links.push(link);
    if (by === 'eve' && number !== 'eve') reached('logins begun by the attacker with a number of others');
  };

  const prove = async (jar: Jar, code: string, codeVerifier: string | undefined): Promise<void> => {
    const session = jars[jar];
    const by = JARS[jar];
    if (oracle.isForeign(session, code)) reached('codes brought to a session that did not begin their login');
    const login = session?.login;
    const note = oracle.proved(session, code, codeVerifier);
    const body = { code, ...(codeVerifier !== undefined && { code_verifier: codeVerifier }) };
    const [{ status, json }] = await say(jar, 'POST', '/verify', body);
    settle.push(() => note(status));
    if (json?.['verified'] === false) reached('numbers that the operator denied');
    if (json?.['verified'] !== true) return;
    if (login) login.over = true;
    reached(by === 'eve' ? 'logins of the attacker as himself' : 'honest logins');
    if (by !== 'eve' && session?.knownTo.has('eve'))
      reached('logins of victims in a session that was planted');
  };

  const next = async (jar: Jar, channel: string | null): Promise<void> => {
    const login = jars[jar]?.login;
    const [{ status }] = await say(jar, 'POST', '/login/next', channel === null ? {} : { channel });
    if (status !== 200 || !login) return;
    login.over = true;
    if (login.by === 'eve' && login.number !== NUMBERS.eve)
      reached('messages to victims that the attacker asked for');
  };

  const cancel = async (jar: Jar): Promise<void> => {
    const session = jars[jar];
    const [{ status }] = await say(jar, 'DELETE', '/login');
    if (status !== 204 || !session?.login) return;
    session.login.over = true;
    session.login = undefined;
  };

  const logout = async (jar: Jar): Promise<void> => {
    const session = jars[jar];
    const [{ status }] = await say(jar, 'POST', '/logout');
    if (status === 204 && session) session.ended = true;
  };

  /** Callbacks as they crossed the attacker's device. */
  const mix = async (on: Who, state: number, code: number): Promise<void> => {
    const seen = (name: string) => links.flatMap((link) => new URL(link).searchParams.get(name) ?? []);
    const halves = {
      state: latest(
        seen('state').filter((each) => each.length === 44),
        state,
      ),
      code: latest(seen('code'), code),
    };
    if (halves.state === undefined || halves.code === undefined) return;
    reached('callbacks put together from two');
    await travel(
      on,
      `${base}/callback?${new URLSearchParams(halves as Record<string, string>).toString()}`,
      'app',
    );
  };

  const forge = async (age: number): Promise<void> => {
    const requestId = latest(
      links.flatMap((link) => /\/v2\/verify\/([\w-]{36})\//.exec(link)?.[1] ?? []),
      age,
    );
    if (requestId === undefined) return;
    const body = { type: 'summary', request_id: requestId, status: 'completed' };
    hear('eve', await wire.ask('POST', `${base}/webhooks/verify`, { body }));
  };

  const step = async (what: Step): Promise<void> => {
    switch (what.do) {
      case 'begin':
        return begin(what);
      case 'open': {
        const link = latest(links, what.link);
        return link === undefined
          ? undefined
          : travel(what.on, link, what.as, what.on === 'eve' ? what.hops : 9);
      }
      case 'mix':
        return mix(what.on, what.state, what.code);
      case 'post': {
        const by = JARS[what.jar];
        const code = latest(hand[by], what.code);
        const right = jars[what.jar]?.login?.verifier === undefined ? undefined : PKCE[by].verifier;
        const other = right === undefined ? PKCE[by].verifier : undefined;
        return code === undefined ? undefined : prove(what.jar, code, what.careless ? other : right);
      }
      case 'guess':
        reached('codes that were guessed');
        return prove(what.jar, what.code, undefined);
      case 'next':
        return next(what.jar, what.channel);
      case 'look':
        await say(what.jar, 'GET', '/login');
        return;
      case 'cancel':
        return cancel(what.jar);
      case 'logout':
        return logout(what.jar);
      case 'forge':
        return forge(what.request);
    }
  };

  const play = async (move: Move): Promise<void> => {
    switch (move.do) {
      case 'turn':
        world.turn(move.seconds);
        return;
      case 'plant': {
        const planted = latest(cookies, move.cookie);
        if (planted) jars[move.jar] = planted;
        if (planted?.ended && JARS[move.jar] === 'eve')
          reached('cookies that were brought back after their end');
        return;
      }
      case 'race':
        reached('races');
        return gate.race(
          move.steps.map((each) => () => step(each)),
          move.order,
        );
      default:
        return step(move);
    }
  };

  /** What came to the phones meanwhile. */
  const readPhones = async (): Promise<void> => {
    const messages = await house.messages();
    oracle.sent(messages.map(({ to, code, at }) => ({ to, code, at: Date.parse(at) })));
    for (const who of PEOPLE) {
      for (const { code } of messages.filter(({ to }) => to === NUMBERS[who]))
        if (!hand[who].includes(code)) hand[who].push(code);
    }
  };

  const check = async (end: boolean): Promise<void> => {
    const inPlay = oracle.inPlay(Object.values(jars), end);
    const answers = await Promise.all(
      inPlay.map((session) => wire.ask('GET', `${base}/session`, { cookie: session.cookie })),
    );
    answers.forEach(({ json }, at) => {
      const session = inPlay[at];
      if (session && json?.['authenticated'] === true) oracle.judge(session, String(json['phone_number']));
    });
    oracle.overheard(heard.join('\n'));
  };

  return {
    async move(move, isLast) {
      await play(move);
      for (const each of settle.splice(0)) each();
      await readPhones();
      await check(isLast);
      return oracle.breaks()[0];
    },
  };
}
