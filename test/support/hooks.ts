/** A hook that a JavaScript module can export although the types reject it. */
type Untyped = () => never;

const throws = (): never => {
  throw new Error('about +447700900000');
};
const revoked = (): object => {
  const { proxy, revoke } = Proxy.revocable({}, {});
  revoke();
  return proxy;
};
class Unreadable extends Error {
  override get name(): string {
    return throws();
  }
  override get stack(): string {
    return throws();
  }
}

/** Answers and errors that throw when they are read. */
export const UNREADABLE = [
  [
    'an answer whose field throws',
    () => Object.defineProperty({}, 'allow', { enumerable: true, get: throws }),
  ],
  ['an answer whose then throws', () => Object.defineProperty({}, 'then', { get: throws })],
  ['an answer that lists no fields', () => new Proxy({ allow: true }, { ownKeys: throws })],
  ['an answer that hides its fields', () => new Proxy({ allow: true }, { getOwnPropertyDescriptor: throws })],
  ['an answer that is a revoked proxy', revoked],
  [
    'a promise of an answer whose field throws',
    () =>
      Promise.resolve({
        get allow() {
          return throws();
        },
      }),
  ],
  // oxlint-disable-next-line typescript/prefer-promise-reject-errors -- hooks may
  ['an error that is a revoked proxy', () => Promise.reject(revoked())],
  ['an error without name and stack', () => Promise.reject(new Unreadable())],
  [
    'an error whose name is not a string',
    () => Promise.reject(Object.assign(new Error(), { name: Object.create(null) as string })),
  ],
] as [string, Untyped][];

/** Failures and invalid answers of a hook. */
export const FAILING = [
  ['a hook that throws', throws],
  ['a hook that rejects', () => Promise.reject(new Error('about +447700900000'))],
  // oxlint-disable-next-line typescript/prefer-promise-reject-errors -- hooks may
  ['a hook that rejects with nothing', () => Promise.reject()],
  ...[null, true, false, 'allow', 1, {}, [], ['allow']].map((answer) => [
    `the answer ${JSON.stringify(answer)}`,
    () => answer,
  ]),
  ...[
    { allow: false },
    { allow: 'true' },
    { refuse: 1 },
    { allow: true, refuse: true },
    { admit: true },
    { alow: true },
  ].map((answer) => [`the answer ${JSON.stringify(answer)}`, () => answer]),
  ['an answer that is only inherited', () => Object.create({ allow: true }) as unknown],
  ...UNREADABLE,
] as [string, Untyped][];
