import Default from '@jest/test-sequencer';

/** The suites that take most, the longest first. Where Jest has no times yet, it takes sizes. */
const LONGEST = [
  'bench',
  'browser-page',
  'hostile/adversary',
  'proxies',
  'redis-cluster',
  'browser-fragments',
  'packaging-host',
  'doctor',
  'browser-codes',
  'browser-login',
  'sandbox/page',
  'sandbox/tour',
  'redis-sentinel',
  'hostile/audit',
  'processes',
  'hostile/false-answers',
  'hostile/crossing',
  'hostile/mutations',
  'hostile/slow',
  'scaling-docs',
];

/** Begins with the longest suites, so that all workers end at about the same time. */
export default class Sequencer extends Default {
  sort(tests) {
    const place = ({ path }) => LONGEST.findIndex((name) => path.endsWith(`/${name}.test.ts`)) + 1 || 99;
    return super.sort(tests).sort((one, other) => place(one) - place(other));
  }
}
