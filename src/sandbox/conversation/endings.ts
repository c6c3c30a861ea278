import { isTyped } from './call.js';
import { bad, good, plain } from './words.js';
import type { Told, Words } from './words.js';

/** Why silence fails, by the `error` or `reason` the server gives. Each begins in the middle of a sentence. */
const WHY: Record<string, string> = {
  no_link:
    'there is no link for this number, so it cannot be confirmed in silence. Where codes are offered, the app goes on with one',
  not_on_cellular: 'the operator says that the device did not come over its mobile network',
  denied:
    'the operator did not see a SIM on this line. On Wi-Fi it never does: the link has to be opened over the mobile network',
  number_not_supported: 'the operator does not do this for this number',
  operator_error: 'Vonage or the operator could not finish, and said so instead of going on',
  invalid_code: 'the code is wrong, was used before, or belongs to another session’s login',
  wrong_client:
    'the link was opened in another place than where the login began. There it gives no code: the second half of the login is missing, and nobody is logged in',
  too_many_attempts: 'too many wrong codes were typed',
  login_expired: 'the login took too long',
  login_in_progress: 'a login for this number is under way already',
  no_more_channels: 'there is no other way left to send a code',
  upstream_timeout: 'the answer took too long, and the server does not ask twice',
  upstream_error: 'the answer could not be understood, and what is not a plain yes counts as no',
  unavailable: 'Vonage asks to slow down',
};

/** The number as it is, of the SIM that walked. */
const simThatWalked = ({ seen, number }: Told): string => {
  if (!seen) return `the SIM in the device does not have the number ${number}`;
  if (seen.sim === null) return 'nobody knows the number of the SIM in the device';
  return `the SIM that walked the link is ${seen.sim}, and the login is for ${number}`;
};

/** Why it failed, in a sentence. @param error a name, or the server's answer */
export const failed = (told: Told, error: string | Record<string, unknown>): Words => {
  const names = typeof error === 'string' ? [error] : [error['reason'], error['error']].map(String);
  if (names[0] === 'number_mismatch') {
    return bad(`It failed, as it should: ${simThatWalked(told)}.`);
  }
  const why = names.map((name) => WHY[name]).find((each) => each !== undefined);
  return bad(`It failed: ${why ?? `the server says ${names.at(-1) ?? 'nothing'}`}.`);
};

export const handedOut = plain('The link is handed out. Nobody has opened it yet.');

/** The second half of the login is where the link was opened. */
export const halfway = plain(
  'The device holds a code, the second half of the login. Nobody is logged in until the app presents it, in the session that began.',
);

/** What was typed is wrong, and the login is still open. */
export const mistyped = bad(
  'Nobody is logged in yet: what was typed is not the code that was sent. There are three tries.',
);

/** Somebody else than who began holds the code. */
export const strange = bad(
  'It failed, as it should: the code was presented in another session than the one that began. It is the second half of the login, and worth nothing without the first.',
);

/** Why it worked, in a sentence. */
export const worked = ({ asked, number, sent }: Told): Words =>
  good(
    isTyped(asked)
      ? `It worked, by ${sent === 'voice' ? 'a call' : 'SMS'}: whoever typed the code has the phone with ${number}.`
      : `It worked: the SIM that walked the link has the number ${number}, and the code came back in the session that began. Nothing had to be typed.`,
  );
