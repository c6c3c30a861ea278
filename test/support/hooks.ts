/** What a hook may do that is no answer. */
export const FAILING: [string, () => unknown][] = [
  [
    'a hook that throws',
    () => {
      throw new Error('about +447700900000');
    },
  ],
  ['a hook that rejects', () => Promise.reject(new Error('about +447700900000'))],
  // eslint-disable-next-line @typescript-eslint/prefer-promise-reject-errors -- JavaScript lets hooks reject with anything.
  ['a hook that rejects with nothing', () => Promise.reject()],
  ...[null, true, false, 'allow', 1, {}, [], ['allow']].map((answer): [string, () => unknown] => [
    `the answer ${JSON.stringify(answer)}`,
    () => answer,
  ]),
  ...[{ allow: false }, { allow: 'true' }, { refuse: 1 }, { allow: true, refuse: true }, { admit: true }].map(
    (answer): [string, () => unknown] => [`the answer ${JSON.stringify(answer)}`, () => answer],
  ),
  ['an answer that is only inherited', () => Object.create({ allow: true }) as unknown],
];
