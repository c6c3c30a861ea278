import { CHALLENGE } from '../../support/system.js';
import { NUMBERS, type Environment } from './environment.js';
import { JARS, PEOPLE, type Jar, type Move, type Step, type Who } from './moves.js';
import type { Cookie } from './oracle.js';
import { PLACES } from './servers.js';
import { createPlayers } from './players.js';
import { createSessionMoves } from './session-moves.js';

/** PKCE pairs. The attacker does not know those of the users. */
const PKCE: Record<Who, typeof CHALLENGE> = {
  alice: CHALLENGE,
  bob: CHALLENGE,
  eve: {
    verifier: 'A'.repeat(43),
    challenge: 'DwBzhbb51LfusnSGBa_hqYSgo7-j8BTQnip4TOnlzRo',
  },
};

export interface Game {
  /** Makes a move and checks its results. @returns the broken rule, if any */
  move: (move: Move, isLast: boolean) => Promise<string | undefined>;
}

/** @param age 0 is the latest item */
const latest = <T>(items: readonly T[], age: number): T | undefined =>
  items[items.length - 1 - (age % items.length)];

const reportedUser = (json: Record<string, unknown>) => ({
  number: String(json['phone_number']),
  channel: json['channel'],
  channels: json['channels'],
  authenticatedAt: Date.parse(String(json['authenticated_at'])),
});

/** A game in a renewed environment. The oracle checks all rules after every move. */
export function createGame(environment: Environment): Game {
  const { system, gate, client, upstream, reached } = environment;
  const { base, world } = system;
  const players = createPlayers(environment);
  const { oracle, jars, hand, links, cookies, received, recordAnswer, send, travel } = players;
  /** Notes for the oracle that have to wait until all concurrent requests have ended. */
  const settle: (() => void)[] = [];
  /** Notes about verified codes, made after all others. */
  const settleProofs: (() => void)[] = [];
  /** Notes about sessions that ended, made after those about codes. */
  const settleEnds: (() => void)[] = [];
  let [racing, hasAsked] = [false, environment.chained];
  const sessionMoves = createSessionMoves({ environment, players, settleEnds, isRacing: () => racing });

  const begin = async (step: Step & { do: 'begin' }): Promise<void> => {
    const { jar, number, client, challenge, again = false } = step;
    const [by, at, former] = [JARS[jar], world.now(), jars[jar]?.session.proof];
    const body = {
      phone_number: NUMBERS[number],
      client,
      ...(challenge && { code_challenge: PKCE[by].challenge }),
      ...(again && { reauthenticate: true }),
    };
    const [{ status, json }, held] = await send(jar, { method: 'POST', path: '/login', body });
    if (again && number !== by) reached('re-authentications with another number');
    if (status !== 201) return;
    if (again) reached('re-authentications');
    if (again && !racing) oracle.sessions.reauthenticating(former?.number, NUMBERS[number]);
    const link = typeof json?.['auth_url'] === 'string' ? json['auth_url'] : null;
    const verifier = challenge ? PKCE[by].verifier : undefined;
    const id = String(json?.['login_id']);
    const login = { id, number: NUMBERS[number], client, verifier, by, at, again, movedOn: false };
    settle.push(oracle.begun(held, login, link));
    if (link !== null) links.push(link);
    if (by === 'eve' && number !== 'eve')
      reached('logins that the attacker began with the number of a victim');
  };

  const postCode = async (jar: Jar, code: string, codeVerifier: string | undefined): Promise<void> => {
    const asked = jars[jar];
    const by = JARS[jar];
    if (oracle.isForeign(asked, code)) reached('codes posted to a session that did not begin their login');
    const note = oracle.codePosted(asked, { who: by, code, verifier: codeVerifier });
    const body = { code, ...(codeVerifier !== undefined && { code_verifier: codeVerifier }) };
    const [{ status, json, headers }] = await send(jar, { method: 'POST', path: '/verify', body });
    const verified = json?.['verified'] === true;
    const answeredAt = upstream.lastAnswerTo(String(headers['x-request-id']));
    const steppedUp = json?.['error'] === 'step_up_required';
    settleProofs.push(() => note({ status, verified, steppedUp, channel: json?.['channel'], answeredAt }));
    if (json?.['verified'] === false) reached('numbers that the operator denied');
    if (steppedUp) reached('codes of a SIM that required a step-up');
    if (!verified) return;
    reached(by === 'eve' ? 'logins of the attacker as himself' : 'honest logins');
    if (by !== 'eve' && asked?.knownTo.has('eve')) reached('logins of victims in a planted session');
  };

  const next = async (jar: Jar, channel: string | null): Promise<void> => {
    const asked = jars[jar];
    const open = asked?.session.open ?? [];
    if (asked) asked.lineage.asks += 1;
    hasAsked = true;
    const [{ status }] = await send(jar, {
      method: 'POST',
      path: '/login/next',
      body: channel === null ? {} : { channel },
    });
    if (status !== 200) return;
    settle.push(() => open.forEach((login) => (login.movedOn = true)));
    if (open.some(({ by, number }) => by === 'eve' && number !== NUMBERS.eve))
      reached('messages to victims that the attacker requested');
  };

  const look = async (jar: Jar): Promise<void> => {
    const asked = jars[jar];
    const wasDead = asked && oracle.isDead(asked);
    const [{ status }] = await send(jar, { method: 'GET', path: '/login' });
    if (wasDead && status === 200) oracle.answeredDeadCookie();
  };

  const cancel = async (jar: Jar): Promise<void> => {
    const asked = jars[jar];
    const [{ status }] = await send(jar, { method: 'DELETE', path: '/login' });
    if (status === 204) settle.push(oracle.cancelled(asked, environment.order()));
  };

  const logout = async (jar: Jar): Promise<void> => {
    const asked = jars[jar];
    if (asked?.outdated) reached('logouts with a replaced cookie');
    const [{ status }] = await send(jar, { method: 'POST', path: '/logout' });
    if (status === 204) settle.push(() => oracle.loggedOut(asked));
  };

  /** Combines a state and a code from two callbacks that passed the attacker's device. */
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
    reached('callbacks combined from two');
    const query = new URLSearchParams(halves as Record<string, string>);
    await travel({ on, url: `${base}/callback?${query.toString()}`, as: 'app' });
  };

  const forge = async (age: number): Promise<void> => {
    const requestId = latest(
      links.flatMap((link) => /\/v2\/verify\/([\w-]{36})\//.exec(link)?.[1] ?? []),
      age,
    );
    if (requestId === undefined) return;
    const body = { type: 'summary', request_id: requestId, status: 'completed' };
    recordAnswer('eve', await client.ask('POST', `${base}/webhooks/verify`, { body }));
  };

  const step = async (what: Step): Promise<void> => {
    switch (what.do) {
      case 'begin':
        return begin(what);
      case 'open': {
        const link = latest(links, what.link);
        return link === undefined
          ? undefined
          : travel({ on: what.on, url: link, as: what.as, hops: what.on === 'eve' ? what.hops : 9 });
      }
      case 'mix':
        return mix(what.on, what.state, what.code);
      case 'post': {
        const by = JARS[what.jar];
        const code = latest(hand[by], what.code);
        const login = jars[what.jar]?.session.open.at(-1);
        const right = login?.verifier === undefined ? undefined : PKCE[by].verifier;
        const other = right === undefined ? PKCE[by].verifier : undefined;
        return code === undefined ? undefined : postCode(what.jar, code, what.careless ? other : right);
      }
      case 'guess':
        reached('guessed codes');
        return postCode(what.jar, what.code, undefined);
      case 'next':
        return next(what.jar, what.channel);
      case 'look':
        return look(what.jar);
      case 'cancel':
        return cancel(what.jar);
      case 'logout':
        return logout(what.jar);
      case 'forge':
        return forge(what.request);
      case 'list':
        return sessionMoves.list(what.jar);
      case 'end':
        return sessionMoves.end(what.jar, latest(players.ids, what.id));
      case 'end others':
        return sessionMoves.endOthers(what.jar, what.all);
      case 'revoke':
        return sessionMoves.revoke(what.number);
      case 'assert':
        return sessionMoves.assert(what.jar, what.maxAge);
    }
  };

  const play = async (move: Move): Promise<void> => {
    switch (move.do) {
      case 'setup':
        reached(`games with ${move.place}`);
        return environment.arrange(move);
      case 'turn':
        return environment.turn(move.seconds);
      case 'plant': {
        const planted = latest(cookies, move.cookie);
        if (planted) jars[move.jar] = planted;
        if (planted && oracle.isDead(planted) && JARS[move.jar] === 'eve')
          reached('dead cookies that were used again');
        return;
      }
      case 'copy': {
        const copied = jars[move.from];
        if (copied === undefined) return;
        oracle.copied(copied);
        jars[move.jar] = copied;
        if (!cookies.includes(copied)) cookies.push(copied);
        if (copied.user !== undefined) reached('copied cookies of logged-in victims');
        return;
      }
      case 'race':
        reached('races');
        await gate.race(
          move.steps.map((each) => () => step(each)),
          move.order,
        );
        return;
      default:
        return step(move);
    }
  };

  /** Reads new messages. @param end at the end of the game, compares them with the counted ones */
  const readPhones = async (end: boolean): Promise<void> => {
    const messages = await upstream.readMessages();
    oracle.checkMessages(messages);
    for (const who of PEOPLE) {
      for (const { code } of messages.filter(({ to }) => to === NUMBERS[who]))
        if (!hand[who].includes(code)) hand[who].push(code);
    }
    if (!end || !hasAsked) return;
    const counted = await environment.messagesCounted();
    if (counted === undefined) return;
    reached('games whose messages were counted');
    oracle.checkCount(counted);
  };

  /** @param all includes dead cookies: after a race, and at the end */
  const check = async (all: boolean): Promise<void> => {
    const inPlay = oracle.inPlay(Object.values(jars), all);
    for (const server of PLACES[environment.setup().place]) {
      system.sendTo(server);
      const answers = await Promise.all(
        inPlay.map((cookie) => client.ask('GET', `${base}/session`, { cookie: cookie.value })),
      );
      answers.forEach(({ json }, at) => {
        const user = json?.['authenticated'] === true ? reportedUser(json) : undefined;
        oracle.checkUser(inPlay[at] as Cookie, user);
      });
    }
    system.sendTo(...PLACES[environment.setup().place]);
    oracle.sessions.endChecks();
    oracle.checkTries();
    oracle.checkReceived(received.join('\n'));
  };

  return {
    async move(move, isLast) {
      racing = move.do === 'race';
      await play(move);
      const ends = settleEnds.splice(0);
      for (const each of [...settle.splice(0), ...settleProofs.splice(0), ...ends]) each();
      // A login that begins in the millisecond of a revocation counts as one that began before.
      if (ends.length > 0) world.turn(0.001);
      await readPhones(isLast);
      oracle.outdate();
      oracle.sessions.beginChecks(!racing && move.do !== 'turn');
      await check(isLast || move.do === 'race');
      oracle.settle();
      return oracle.breaks()[0];
    },
  };
}
