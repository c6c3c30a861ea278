import { ALICE } from '../../support/system.js';
import { post, type Case } from './case.js';

/** CAMARA Number Verification, scenario C02.01: numbers that do not comply with the schema. */
const CAMARA = ['string_value', '1234567890', '+12334foo22222', '+00012230304913849', '123', '++49565456787'];

const OTHERS: [what: string, text: string][] = [
  ['nothing', ''],
  ['a plus', '+'],
  ['too few digits', '+44770'],
  ['too many digits', '+4477009000001234'],
  ['a length the country does not have', '+447700'],
  ['an unassigned country code', '+9991234567'],
  ['a national prefix', '+4407700900000'],
  ['the country code twice', '+112015550123'],
  ['00 for +', '00447700900000'],
  ['no plus', '447700900000'],
  ['a space in front', ` ${ALICE}`],
  ['a space behind', `${ALICE} `],
  ['spaces within', '+44 7700 900000'],
  ['dashes', '+44-7700-900000'],
  ['an extension', `${ALICE};ext=1`],
  ['a second number after a comma', `${ALICE},+447700900001`],
  ['a tel: address', `tel:${ALICE}`],
  ['a line end', `${ALICE}\n`],
  ['CR and LF within', '+447700\r\n900000'],
  ['a full-width plus', '＋447700900000'],
  ['full-width digits', '+４４７７００９０００００'],
  ['Arabic digits', '+٤٤٧٧٠٠٩٠٠٠٠٠'],
  ['a zero-width space', `+44\u200b7700900000`],
  ['a right-to-left override', `\u202e${ALICE}`],
  ['a NUL', `${ALICE}\u0000`],
  ['HTML', '<b>+447700900000</b>'],
  ['SQL', `${ALICE}' OR '1'='1`],
  ['a format string', '+44%s%n%x7700900'],
  ['an exponent', '+4.477009e11'],
  ['a lone surrogate', '\ud800'],
  ['ten thousand digits', `+44${'7'.repeat(10_000)}`],
];

/** `POST /login` with an invalid phone number. */
export const NUMBERS: Case[] = [
  ...CAMARA.map((text) => [`the CAMARA counterexample ${text}`, text] as const),
  ...OTHERS,
].map(([what, text]) => ({
  name: `as a number: ${what}`,
  bytes: () => post('/login', JSON.stringify({ phone_number: text })),
  status: 400,
  error: 'invalid_phone_number',
}));
