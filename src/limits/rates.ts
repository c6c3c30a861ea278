/** Seconds of the windows that things are counted in. */
export const [TEN_MINUTES, HOUR, DAY] = [600, 3600, 86_400] as const;

/**
 * How often each thing may be done in its window (README, "Limits"). A carrier puts thousands of phones behind one address, so
 * a range may do much; a number at an address is one user, and a message costs money.
 */
export const RATES = {
  /** Logins of a number from one address: nobody at another address locks its owner out. */
  'login-number': 10,
  /** Logins from one address range. A tenth of what Vonage lets an account do. */
  'login-range': 600,
  /** Logins from one address range in one second: half of what Vonage lets an account do stays with everybody else. */
  'login-range-second': 5,
  /** Messages to a number in an hour and in a day, of which one address range may use up half. */
  'send-number': 5,
  'send-number-day': 10,
  /** Messages asked for from one address range. */
  'send-range': 60,
  /** Messages to numbers that begin with the same seven digits: fraud goes through ranges one number after the other. */
  'send-prefix': 20,
  /** Messages to one country. */
  'send-country': 150,
} as const satisfies Record<string, number>;

/** The highest rate a setting may name. */
export const HIGHEST_RATE = 999_999_999;

export type RateName = keyof typeof RATES;

export interface LimitSettings {
  rates: Readonly<Record<RateName, number>>;
  /** Messages in an hour, all in all. */
  paidSendsPerHour: number;
  /** Calls of Network Enablement in a second, by all processes. */
  upstreamPerSecond: number;
}
