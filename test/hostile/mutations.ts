import type { GameOptions } from './adversary/run-games.js';

/** One rule, broken on purpose, and the test that has to fail. */
export interface Mutation {
  rule: string;
  file: string;
  /** Source text that occurs exactly once in the file. */
  find: string;
  replace: string;
  /** The adversary with these options, or a test for rules that games cannot test. */
  caughtBy: Pick<GameOptions, 'engine' | 'store' | 'stepUp'> | { suite: string; test: string };
}

export const MUTATIONS: readonly Mutation[] = [
  {
    rule: 'a code belongs to the session that began its login',
    file: 'src/login/verify.ts',
    find: 'const isBound = ticket?.loginId === login.id && ticket.phoneNumber === login.phoneNumber;',
    replace: 'const isBound = ticket !== undefined;',
    caughtBy: { engine: 'network-enablement', store: 'redis' },
  },
  {
    rule: 'a SIM of another number logs no session in',
    file: 'src/login/verify.ts',
    find: 'if (verified) return {',
    replace: 'if (verified !== undefined) return {',
    caughtBy: { engine: 'oidc', store: 'memory' },
  },
  {
    rule: 'a code is taken, not read',
    file: 'src/login/tickets.ts',
    find: 'const sealed = await store.take(storeKey);',
    replace: 'const sealed = await store.get(storeKey);',
    caughtBy: { engine: 'network-enablement', store: 'memory' },
  },
  {
    rule: 'a ticket is sealed under a key of its own secret',
    file: 'src/login/tickets.ts',
    find: 'sealKey: deriveTicketKey(secret, ',
    replace: "sealKey: deriveTicketKey('the secret of the server', ",
    caughtBy: {
      suite: 'test/tickets.test.ts',
      test: 'are sealed under a key that is derived from the secret itself',
    },
  },
  {
    rule: 'a typed code is the one that was sent',
    file: 'src/login/verification.ts',
    find: 'await verify.check(id, code, requestId).catch(',
    replace: 'await Promise.resolve().catch(',
    caughtBy: { engine: 'off', store: 'redis' },
  },
  {
    rule: 'a challenge requires its verifier',
    file: 'src/login/verify.ts',
    find: 'return codeChallenge === verifier;',
    replace: 'return true;',
    caughtBy: { engine: 'oidc', store: 'redis' },
  },
  {
    rule: 'the session has a new id once it is logged in',
    file: 'src/session/cookie.ts',
    find: 'if (renewed && !isNew(req.session))',
    replace: 'if (renewed && !isNew(req.session) && !user)',
    caughtBy: { engine: 'network-enablement', store: 'redis' },
  },
  {
    rule: 'a session that ended is not brought back by a slow request',
    file: 'src/session/records.ts',
    find: ': await store.replace(keyOf(id), { from: stored, to: value }, seconds);',
    replace: ': await store.set(keyOf(id), value, seconds).then(() => true);',
    caughtBy: { engine: 'network-enablement', store: 'redis' },
  },
  {
    rule: 'a logout with an outdated cookie ends the session',
    file: 'src/session/records.ts',
    find: "? record : 'outdated';",
    replace: '? record : undefined;',
    caughtBy: {
      suite: 'test/session.test.ts',
      test: 'ends with a logout by any cookie that was ever issued for it',
    },
  },
  {
    rule: 'an outdated cookie is not logged in',
    file: 'src/session/records.ts',
    find: "? record : 'outdated';",
    replace: '? record : record;',
    caughtBy: {
      suite: 'test/session.test.ts',
      test: 'gets a new id when the login begins and when it completes, and the old ids are invalid',
    },
  },
  {
    rule: 'a cancelled login logs no session in',
    file: 'src/session/records.ts',
    find: 'if (!isOpen || !isOfUser(now))',
    replace: 'if (isOpen === undefined || !isOfUser(now))',
    caughtBy: {
      suite: 'test/session.test.ts',
      test: 'whose login was cancelled during its /verify stays logged out',
    },
  },
  {
    rule: 'a logout ends the session',
    file: 'src/session/cookie.ts',
    find: 'await records.end(view.sessionID)',
    replace: 'await Promise.resolve(true)',
    caughtBy: { engine: 'verify', store: 'memory' },
  },
  {
    rule: 'the link of a browser answers only the browser that began the login',
    file: 'src/login/exchange.ts',
    find: "if (client === 'browser' && login?.ticket !== addressOf(state))",
    replace: "if (client === 'browser' && login?.ticket === state)",
    caughtBy: { engine: 'oidc', store: 'redis' },
  },
  {
    rule: 'the link of an app does not answer a browser',
    file: 'src/login/exchange.ts',
    find: "if (client === 'app' && isBrowser)",
    replace: "if (client === 'app' && isBrowser && login !== undefined)",
    caughtBy: { engine: 'network-enablement', store: 'memory' },
  },
  {
    rule: 'a refused client does not spend the state',
    file: 'src/login/exchange.ts',
    find: '    refuseWrongClient(arrival);\n    const { state, result, issuer } = arrival;',
    replace:
      "    const { state, result, issuer } = arrival;\n    if (arrival.isBrowser) await tickets.take('state', state);\n    refuseWrongClient(arrival);",
    caughtBy: {
      suite: 'test/callback.test.ts',
      test: 'shows a person who opens the link of an app a page, and the app can still use the link',
    },
  },
  {
    rule: 'apps read JSON, even if they ask for HTML',
    file: 'src/http/problems.ts',
    find: "headers['sec-fetch-dest'] === 'document';",
    replace: "headers['sec-fetch-dest'] === 'document' || /html/.test(headers.accept ?? '');",
    caughtBy: {
      suite: 'test/callback.test.ts',
      test: 'no state is a problem for programs and a page for people',
    },
  },
  {
    rule: 'tries of a code are limited',
    file: 'src/login/verification.ts',
    find: 'if (tries > TRIES[kind]) throw',
    replace: 'if (tries > TRIES[kind] * 100) throw',
    caughtBy: {
      suite: 'test/otp.test.ts',
      test: 'allows no more than three tries when they arrive at once',
    },
  },
  {
    rule: 'only the boolean true verifies a number',
    file: 'src/vonage/wire.ts',
    find: 'devicePhoneNumberVerified: z.boolean()',
    replace: 'devicePhoneNumberVerified: z.coerce.boolean()',
    caughtBy: {
      suite: 'test/hostile/false-answers.test.ts',
      test: 'with "true" is refused in time',
    },
  },
  {
    rule: 'scripts cannot read the cookie',
    file: 'src/session/cookie.ts',
    find: 'httpOnly: true,',
    replace: 'httpOnly: false,',
    caughtBy: {
      suite: 'test/session.test.ts',
      test: 'the cookie over https has __Host-, Secure, HttpOnly and SameSite=Lax',
    },
  },
  {
    rule: 'no address range uses up the messages of a number',
    file: 'src/limits/counters.ts',
    find: 'limit: ofOneRange(rates[name])',
    replace: 'limit: rates[name]',
    caughtBy: {
      suite: 'test/limits-money.test.ts',
      test: 'with send-number=6 one range can use no more than its share',
    },
  },
  {
    rule: 'a counter does not fall below zero when a count is given back',
    file: 'src/store/scripts.ts',
    find: 'local by = math.max(tonumber(ARGV[3 * i]), -totals[i])',
    replace: 'local by = tonumber(ARGV[3 * i])',
    caughtBy: {
      suite: 'test/limits-money.test.ts',
      test: 'with redis no counter falls below zero',
    },
  },
  {
    rule: 'a /48 is one address range',
    file: 'src/http/caller.ts',
    find: 'range: cidrOf(bytes, IPV6_RANGE_BITS)',
    replace: 'range: cidrOf(bytes, 64)',
    caughtBy: {
      suite: 'test/limits-addresses.test.ts',
      test: 'a flood from a customer with a /48 takes no more than half of the turns of a second from other networks',
    },
  },
  {
    rule: 'no page of another site may post',
    file: 'src/http/protection.ts',
    find: 'return allowed.includes(headers.origin);',
    replace: 'return true;',
    caughtBy: {
      suite: 'test/origin.test.ts',
      test: 'from another origin: every route that changes anything refuses',
    },
  },
  {
    rule: 'one request at a time moves a login on, however long that takes',
    file: 'src/store/store.ts',
    find: 'const ttlSeconds = Math.ceil((longestMs + COMMAND_TIMEOUT_MS) / 1000);',
    replace: 'const ttlSeconds = Math.ceil((longestMs + COMMAND_TIMEOUT_MS) / 1_000_000);',
    caughtBy: {
      suite: 'test/races-proof.test.ts',
      test: 'the lock of a login lasts longer than the longest work under it',
    },
  },
  {
    rule: 'tries are counted for the whole life of a Verify request',
    file: 'src/login/verification.ts',
    find: 'const TRIES_TTL_SECONDS = 3600;',
    replace: 'const TRIES_TTL_SECONDS = 60;',
    caughtBy: {
      suite: 'test/otp.test.ts',
      test: 'wrong codes of a verification are counted together until it expires',
    },
  },
  {
    rule: 'the id of a webhook is kept as long as its signature is valid',
    file: 'src/login/progress.ts',
    find: "await store.set(`jti:${jti}`, '1', REPORT_TTL_SECONDS);",
    replace: "await store.set(`jti:${jti}`, '1', 60);",
    caughtBy: {
      suite: 'test/webhooks.test.ts',
      test: 'the id of a webhook is remembered for as long as its signature is valid',
    },
  },
  {
    rule: 'a verifier has to match the whole challenge',
    file: 'src/login/verify.ts',
    find: "return timingSafeEqual(answer, Buffer.from(codeChallenge, 'base64url'));",
    replace: "return answer[0] === Buffer.from(codeChallenge, 'base64url')[0];",
    caughtBy: {
      suite: 'test/two-halves.test.ts',
      test: 'a verifier is refused if its hash differs from the challenge at any position',
    },
  },
  {
    rule: 'a page posts a code from its address only for its own login',
    file: 'client/silent-auth.ts',
    find: 'const isOfLogin = loginId === null ? isOfLink : loginId === login.loginId;',
    replace: 'const isOfLogin = loginId === null || isOfLink || loginId === login.loginId;',
    caughtBy: {
      suite: 'test/client.test.ts',
      test: 'is ignored with a code alone',
    },
  },
  {
    rule: 'a client that begins again every 30 seconds keeps no other client out',
    file: 'src/login/live-verifications.ts',
    find: 'const turn = opens + (place < 0 ? queue.length : place) * TURN_SECONDS * 1000;',
    replace: 'const turn = opens + Math.min(0, place, TURN_SECONDS);',
    caughtBy: {
      suite: 'test/verify-turns.test.ts',
      test: 'the owner is logged in within 35 seconds although a client without cookies begins again every 30 seconds',
    },
  },
  {
    rule: 'a verification of another session is cancelled before another one starts',
    file: 'src/login/verification.ts',
    find: 'await verify.cancel(concurrentId, requestId).catch(',
    replace: 'await Promise.reject(inProgress(conflict, 1)).catch(',
    caughtBy: {
      suite: 'test/verify-turns.test.ts',
      test: 'the owner is logged in within 35 seconds after another client began',
    },
  },
  {
    rule: 'a message that was refused is given back',
    file: 'src/login/next.ts',
    find: 'if (isRefused(error)) await giveBack();',
    replace: 'if (isRefused(error)) await Promise.resolve();',
    caughtBy: { suite: 'test/verify-turns.test.ts', test: 'costs nothing while it waits' },
  },
  {
    rule: 'one channel per verification: nothing is sent that the app has not asked for',
    file: 'src/login/next.ts',
    find: 'return [target, ...behind].slice(0, maxSteps);',
    replace: 'return [target, ...behind];',
    caughtBy: {
      suite: 'test/verify-messages.test.ts',
      test: 'by sms is the only step of its request, and logs in with its own name',
    },
  },
  {
    rule: 'metadata name the issuer to the letter',
    file: 'src/camara/server.ts',
    find: 'metadata.issuer === issuer &&',
    replace: '',
    caughtBy: {
      suite: 'test/hostile/camara.test.ts',
      test: 'whose issuer is spelled otherwise begin no login',
    },
  },
  {
    rule: 'the signature of an ID token is checked',
    file: 'src/camara/camara.ts',
    find: 'await server.verifySignature(as, idToken, requestId);',
    replace: '{}',
    caughtBy: {
      suite: 'test/hostile/camara.test.ts',
      test: 'with a signature of another key gives no code, and the access token is never used',
    },
  },
  {
    rule: 'an ID token is signed by a key of enough bits',
    file: 'src/camara/jws.ts',
    find: 'return hasEnoughBits(key) ? key : undefined;',
    replace: 'return key;',
    caughtBy: {
      suite: 'test/hostile/camara.test.ts',
      test: 'of an RSA key of 1024 bits gives none',
    },
  },
  {
    rule: 'no message is paid for before the SIM is known',
    file: 'src/login/next.ts',
    find: "if (answer === 'allow' || (answer === 'stepUp' && login.proved !== undefined))",
    replace: 'if (answer)',
    caughtBy: {
      suite: 'test/sim-swap.test.ts',
      test: 'no message goes to a number whose SIM changed lately',
    },
  },
  {
    rule: 'a SIM that changed lately gives no session',
    file: 'src/login/verify.ts',
    find: "if (answer === 'allow') return sim;",
    replace: 'if (answer) return sim;',
    caughtBy: {
      suite: 'test/sim-swap.test.ts',
      test: 'a SIM that changed lately gives no session, and no message is sent',
    },
  },
  {
    rule: 'an answer about a SIM is not relied on for hours',
    file: 'src/limits/sim-swap.ts',
    find: 'world.now() < at + ANSWER_TTL_MS',
    replace: 'at > 0',
    caughtBy: {
      suite: 'test/sim-swap.test.ts',
      test: 'an answer is asked for again once the code of its time has expired, since the SIM may have changed',
    },
  },
  {
    rule: 'an answer about a SIM is believed only where it is one',
    file: 'src/vonage/identity-insights.ts',
    find: 'isSwapped === false && KNOWN.has(code)',
    replace: 'isSwapped !== true',
    caughtBy: {
      suite: 'test/sim-swap.test.ts',
      test: 'what is not known of +447700900117 counts as a change',
    },
  },
  {
    rule: 'an error of another issuer says nothing of the operator',
    file: 'src/login/exchange.ts',
    find: "isForeign ? 'foreign_issuer' : error",
    replace: 'error',
    caughtBy: {
      suite: 'test/hostile/camara.test.ts',
      test: 'an error of another issuer is not taken for one of the operator',
    },
  },
  {
    rule: 'a revocation ends a login that is under way',
    file: 'src/session/user-sessions.ts',
    find: 'since: begunAt',
    replace: 'since: Number.MAX_SAFE_INTEGER',
    caughtBy: {
      suite: 'test/sessions-races.test.ts',
      test: 'before the login is registered ends the login',
    },
  },
  {
    rule: 'an index that was closed takes no earlier login',
    file: 'src/store/scripts.ts',
    find: 'if at >= tonumber(ARGV[3]) then return false end',
    replace: 'if at < 0 then return false end',
    caughtBy: {
      suite: 'test/sessions-races.test.ts',
      test: 'after its code was sent, ends the login by a code',
    },
  },
  {
    rule: 'a revocation ends every other session',
    file: 'src/session/user-sessions.ts',
    find: 'const others = entries.filter(({ handle }) => handle !== except);',
    replace: 'const others = entries.slice(0, 1);',
    caughtBy: {
      suite: 'test/sessions.test.ts',
      test: 'all others end, and this one goes on',
    },
  },
  {
    rule: 'a user ends no session of another user',
    file: 'src/session/user-sessions.ts',
    find: 'record === null || [record.user',
    replace: "record === null || record.handle !== '' || [record.user",
    caughtBy: {
      suite: 'test/sessions.test.ts',
      test: 'that became one of another number belongs to that number alone',
    },
  },
  {
    rule: 'the list has the sessions of its user alone',
    file: 'src/session/user-sessions.ts',
    find: 'if (user?.phoneNumber !== phoneNumber || seconds <= 0)',
    replace: 'if (user === undefined || seconds <= 0)',
    caughtBy: {
      suite: 'test/sessions.test.ts',
      test: 'that became one of another number belongs to that number alone',
    },
  },
  {
    rule: 'no message is paid for once the sessions of a number were revoked',
    file: 'src/session/records.ts',
    find: 'if (await registry.isRevoked(login)) throw await dropRevoked(login);',
    replace: '',
    caughtBy: {
      suite: 'test/sessions-races.test.ts',
      test: 'before its code is sent, ends the login, and no message is paid for',
    },
  },
  {
    rule: 'a number has at most MAX_SESSIONS sessions',
    file: 'src/session/user-sessions.ts',
    find: 'if (others.length < maxSessions) return [];',
    replace: 'if (others.length >= 0) return [];',
    caughtBy: {
      suite: 'test/sessions.test.ts',
      test: 'beyond MAX_SESSIONS the oldest that lives ends, whatever sessions have ended before',
    },
  },
  {
    rule: 'operators have the key',
    file: 'src/session/operator.ts',
    find: 'if (!timingSafeEqual(hashOf(given), expected))',
    replace: "if (given === '')",
    caughtBy: {
      suite: 'test/sessions-operator.test.ts',
      test: 'refuse another key',
    },
  },
  {
    rule: 'an assertion is no older than max_age',
    file: 'src/session/assertion.ts',
    find: 'if (assertions.now() - user.authenticatedAt > maxAge * 1000)',
    replace: 'if (maxAge < 0)',
    caughtBy: {
      suite: 'test/sessions-fresh.test.ts',
      test: 'is required after max_age, and the assertion of the new proof has its time and channel',
    },
  },
  {
    rule: 'a new proof begins with the number of the session',
    file: 'src/login/routes.ts',
    find: 'if (reauthenticates && phoneNumber !== user?.phoneNumber)',
    replace: 'if (reauthenticates && user === undefined)',
    caughtBy: {
      suite: 'test/sessions-fresh.test.ts',
      test: 'is refused for another number, which the answer does not tell from that of the session',
    },
  },
  {
    rule: 'a new proof completes for the user who is logged in',
    file: 'src/session/records.ts',
    find: '!state.login?.reauthenticates ||',
    replace: '!state.login?.reauthenticates || state.login !== undefined ||',
    caughtBy: {
      suite: 'test/sessions-fresh.test.ts',
      test: 'does not complete after the session of the user has expired, and sends no message then',
    },
  },
  {
    rule: 'a revocation closes the index to logins that have begun',
    file: 'src/session/user-sessions.ts',
    find: 'store.closeIndex(index, world.now(), ABSOLUTE_TTL_SECONDS);',
    replace: 'store.closeIndex(index, 0, ABSOLUTE_TTL_SECONDS);',
    caughtBy: { engine: 'network-enablement', store: 'redis' },
  },
  {
    rule: 'a revocation by an operator ends all sessions',
    file: 'src/session/user-sessions.ts',
    find: 'const others = entries.filter(({ handle }) => handle !== except);',
    replace: 'const others = entries.filter(({ handle }) => except !== undefined && handle !== except);',
    caughtBy: { engine: 'oidc', store: 'redis' },
  },
  {
    rule: 'a revocation by a user ends all sessions but that of the request',
    file: 'src/session/user-sessions.ts',
    find: 'const others = entries.filter(({ handle }) => handle !== except);',
    replace: 'const others = entries.filter(() => except === undefined);',
    caughtBy: { engine: 'verify', store: 'redis' },
  },
  {
    rule: 'the session that ends the others goes on',
    file: 'src/session/user-sessions.ts',
    find: 'const others = entries.filter(({ handle }) => handle !== except);',
    replace: 'const others = entries;',
    caughtBy: { engine: 'camara', store: 'memory' },
  },
  {
    rule: 'the id of a session ends it only for the user whose it is now',
    file: 'src/session/user-sessions.ts',
    find: 'if (record !== undefined && !isOf(phoneNumber, record)) return undefined;',
    replace: '',
    caughtBy: { engine: 'network-enablement', store: 'memory' },
  },
  {
    rule: 'a list leaves out sessions that have become those of another user',
    file: 'src/session/user-sessions.ts',
    find: 'if (user?.phoneNumber !== phoneNumber || seconds <= 0)',
    replace: 'if (user === undefined || user.phoneNumber === undefined || seconds <= 0)',
    caughtBy: { engine: 'oidc', store: 'memory' },
  },
  {
    rule: 'a list has every session of its user',
    file: 'src/session/user-sessions.ts',
    find: 'return [current && shown(own?.id ?? idOf(current.handle), current.user, true), ...sessions]',
    replace: 'return [current && shown(own?.id ?? idOf(current.handle), current.user, true), sessions[1]]',
    caughtBy: { engine: 'camara', store: 'redis' },
  },
  {
    rule: 'the limit of sessions ends the oldest',
    file: 'src/session/user-sessions.ts',
    find: 'newestFirst.slice(maxSessions - 1)',
    replace: 'newestFirst.slice(maxSessions + 9)',
    caughtBy: { engine: 'off', store: 'redis' },
  },
  {
    rule: 'in no order does a login survive a revocation after its beginning',
    file: 'src/session/records.ts',
    find: 'if (registration === undefined) throw',
    replace: 'if (registration === undefined && login.id.length === 0) throw',
    caughtBy: {
      suite: 'test/hostile/orders.test.ts',
      test: '240 orders of requests of two devices at once: what was ended stays ended (seed 20260101)',
    },
  },
  {
    rule: 'a re-authentication is one of the number of the session',
    file: 'src/login/routes.ts',
    find: 'if (reauthenticates && phoneNumber !== user?.phoneNumber)',
    replace: 'if (reauthenticates && phoneNumber.slice(0, 9) !== user?.phoneNumber.slice(0, 9))',
    caughtBy: { engine: 'verify', store: 'memory' },
  },
  {
    rule: 'an assertion that is too old is refused',
    file: 'src/session/assertion.ts',
    find: 'if (assertions.now() - user.authenticatedAt > maxAge * 1000)',
    replace: 'if (assertions.now() - user.authenticatedAt > maxAge * 1_000_000)',
    caughtBy: { engine: 'off', store: 'memory' },
  },
  {
    rule: 'an assertion says when the number was proved, not when it was signed',
    file: 'src/session/assertion.ts',
    find: 'auth_time: Math.floor(authenticatedAt / 1000),',
    replace: 'auth_time: iat,',
    caughtBy: { engine: 'network-enablement', store: 'redis' },
  },
  {
    rule: 'an assertion names all channels that proved the number',
    file: 'src/session/assertion.ts',
    find: 'amr: channels.map((channel) => AMR[channel]),',
    replace: 'amr: channels.slice(-1).map((channel) => AMR[channel]),',
    caughtBy: { engine: 'oidc', store: 'memory', stepUp: true },
  },
  {
    rule: 'the subject of an assertion belongs to one number',
    file: 'src/session/assertion.ts',
    find: '${phoneNumber}`)',
    replace: '${phoneNumber.slice(0, -2)}`)',
    caughtBy: { engine: 'camara', store: 'memory' },
  },
  {
    rule: 'a session names all channels that proved its number',
    file: 'src/login/verify.ts',
    find: 'const channels = provedBy(login, channel);',
    replace: 'const channels = [channel];',
    caughtBy: { engine: 'network-enablement', store: 'memory', stepUp: true },
  },
  {
    rule: 'the code of a call is not one of an SMS',
    file: 'src/login/verification-code.ts',
    find: "return kind === 'typed' ? channel : undefined;",
    replace: "return kind === 'typed' ? 'sms' : undefined;",
    caughtBy: { engine: 'network-enablement', store: 'memory', stepUp: true },
  },
  {
    rule: 'a number that a hook refuses gets no session',
    file: 'src/login/verify.ts',
    find: "if (answer === 'allow') return;",
    replace: "if (answer !== 'stepUp') return;",
    caughtBy: { engine: 'camara', store: 'redis' },
  },
  {
    rule: 'a number that a hook steps up needs its code',
    file: 'src/login/verify.ts',
    find: "if (answer === 'allow') return;",
    replace: "if (answer !== 'refuse') return;",
    caughtBy: { engine: 'oidc', store: 'redis' },
  },
  {
    rule: 'in no order does a changed SIM log in',
    file: 'src/login/verify.ts',
    find: "if (answer === 'allow') return sim;",
    replace: "if (answer !== 'stepUp') return sim;",
    caughtBy: { engine: 'network-enablement', store: 'redis' },
  },
  {
    rule: 'a changed SIM needs two channels',
    file: 'src/login/verify.ts',
    find: 'if (provedBy(login, channel).length > 1) return sim;',
    replace: 'if (provedBy(login, channel).length > 0) return sim;',
    caughtBy: { engine: 'camara', store: 'memory' },
  },
  {
    rule: 'in no order does a changed SIM get a message',
    file: 'src/login/next.ts',
    find: "if (answer === 'allow' || (answer === 'stepUp' && login.proved !== undefined))",
    replace: "if (answer === 'allow' || answer === 'stepUp')",
    caughtBy: { engine: 'off', store: 'redis' },
  },
  {
    rule: 'no more messages are sent than a session asked for',
    file: 'src/login/next.ts',
    find: 'return [target, ...behind].slice(0, maxSteps);',
    replace: 'return [target, ...behind];',
    caughtBy: { engine: 'off', store: 'memory' },
  },
  {
    rule: 'no message is counted that was not sent',
    file: 'src/login/next.ts',
    find: 'if (isRefused(error)) await giveBack();',
    replace: 'if (!isRefused(error)) await giveBack();',
    caughtBy: { engine: 'off', store: 'redis' },
  },
  {
    rule: 'no message is sent that was not counted',
    file: 'src/login/next.ts',
    find: 'if (!sent) await giveBack();',
    replace: 'await giveBack();',
    caughtBy: { engine: 'network-enablement', store: 'redis' },
  },
  {
    rule: 'no process keeps sessions of its own',
    file: 'src/session/cookie.ts',
    find: 'get: (key: string) => store.get(key),',
    replace:
      'get: async (key: string) => { const kept = (store as any).kept ??= new Map(); const text = (await store.get(key)) ?? kept.get(key) ?? null; kept.set(key, text); return text; },',
    caughtBy: { engine: 'off', store: 'redis' },
  },
  {
    rule: 'the session of an app has a new id once it is logged in',
    file: 'src/session/host.ts',
    find: 'await settled(req, (done) => session.regenerate(done));',
    replace: '',
    caughtBy: { engine: 'oidc', store: 'memory' },
  },
];
