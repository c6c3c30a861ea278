import type { Authorization, Camara, Proof } from '../camara/camara.js';
import type { CodeChannel, EngineName } from '../config/login.js';
import { LoginError, type ErrorCode, type SilentFailure, type UpstreamTrace } from '../core/errors.js';
import type { PhoneNumber } from '../core/phone-number.js';
import type { Caller, PacedApi } from '../limits/limits.js';
import type { AccessToken } from '../vonage/tokens.js';
import type { Vonage } from '../vonage/vonage.js';
import type { Login, Verification } from './login.js';
import { codeChannelsOf, stepOf } from './progress.js';
import { isRefused, type Verifications } from './verification.js';

export interface BeginRequest {
  login: Login;
  caller: Caller;
  /** Makes a state and stores its ticket. Each state may be sent upstream once. */
  newState: (proof?: Proof) => Promise<string>;
  /** A verification that may be returned instead of a new one. */
  resumes: Verification | undefined;
  /** The id of the login that the session holds when it asks again after a refusal. */
  claimant: string;
  /**
   * Counts so many messages that cost money.
   * @returns gives them back; undefined if a limit forbids them
   */
  pay: (messages: number) => Promise<(() => Promise<void>) | undefined>;
  requestId: string;
}

export type Beginning =
  /**
   * The device opens `authUrl`, and comes back to `/callback` with `state` and an authorization
   * code.
   */
  | { by: 'redirect'; authUrl: string; state: string }
  /**
   * A verification is under way. Vonage gives the device a code at the end of the silent step.
   * Where that step was found impossible (`why`), a message is under way.
   */
  | { by: 'verification'; verification: Verification; why?: SilentFailure }
  /** Silent authentication is impossible for this number, or now; `why` if it was tried. */
  | { by: 'nothing'; why?: SilentFailure | ErrorCode; upstream?: UpstreamTrace | undefined };

/** A method of silent authentication. The flow uses engines only by this type. */
export interface Engine {
  /** The API that `begin` calls, if any. */
  asks?: PacedApi;
  begin(request: BeginRequest): Promise<Beginning>;
  /** For engines that begin by redirect. Neither call is ever repeated. */
  redirect?: {
    /** What `iss` at the redirect has to name, where it is there (RFC 9207). Absent: anything. */
    issuer?: string;
    /** Exchanges the authorization code for a token. Spends the code, whatever the outcome. */
    exchange(authorization: Authorization, requestId: string): Promise<AccessToken>;
    /** Whether the SIM that opened the link has this number. Spends the token. */
    verify(accessToken: string, phoneNumber: PhoneNumber, requestId: string): Promise<boolean>;
  };
}

/** Number Verification, begun by Network Enablement (`SILENT_AUTH=network-enablement`). */
const networkEnablementEngine = ({ enableNumber, numberVerification }: Vonage): Engine => ({
  asks: 'network-enablement',
  async begin({ login, newState, requestId }) {
    const { authUrl, upstream, state } = await enableNumber(login.phoneNumber, newState, requestId);
    if (authUrl === undefined) return { by: 'nothing', why: 'number_not_supported', upstream };
    return { by: 'redirect', authUrl, state };
  },
  redirect: numberVerification,
});

/** Number Verification, begun by a link that is built here (`SILENT_AUTH=oidc`). */
const oidcEngine = ({ authUrl, numberVerification }: Vonage): Engine => ({
  async begin({ login, newState }) {
    const state = await newState();
    return { by: 'redirect', authUrl: authUrl(login.phoneNumber, state), state };
  },
  redirect: numberVerification,
});

/** Number Verification of any operator that follows the CAMARA profile (`SILENT_AUTH=camara`). */
const camaraEngine = ({ authorize, ...redirect }: Camara): Engine => ({
  asks: 'camara',
  begin: async ({ login, newState, requestId }) => ({
    by: 'redirect',
    ...(await authorize(login.phoneNumber, newState, requestId)),
  }),
  redirect,
});

/**
 * Verify v2 with a silent step (`SILENT_AUTH=verify`). With `VERIFY_CHAIN=true`, fallbacks follow
 * it: Vonage continues with each by itself when the silent step fails or its minute is over, and so
 * sends messages that the app has not asked for. All messages of a chain are counted before it
 * starts, and the chain is cut to what the limits allow, down to the silent step alone.
 */
const verifyEngine = ({ verifications, fallbacks, maxSteps }: EngineDeps): Engine => ({
  asks: 'verify',
  async begin({ login, resumes, pay, claimant, ...request }) {
    const chain = codeChannelsOf(login.phoneNumber, fallbacks).slice(0, maxSteps - 1);
    let giveBack: (() => Promise<void>) | undefined;
    while (chain.length > 0 && (giveBack = await pay(chain.length)) === undefined) chain.pop();
    try {
      const channels = ['silent_auth', ...chain] as const;
      const verification = await verifications.start({ login, channels, resumes, claimant }, request);
      const isNew = verification.id !== resumes?.id;
      if (!isNew) await giveBack?.();
      const isSkipped = isNew && stepOf(verification).channel !== 'silent_auth';
      return { by: 'verification', verification, ...(isSkipped && { why: 'number_not_supported' }) };
    } catch (error) {
      if (isRefused(error)) await giveBack?.();
      // The network is not covered: refused at the start (412), or found out after it.
      if (!(error instanceof LoginError && error.code === 'silent_auth_failed')) throw error;
      return { by: 'nothing', why: 'number_not_supported', upstream: error.upstream };
    }
  },
});

/** Codes only (`SILENT_AUTH=off`). */
const codesOnlyEngine: Engine = { begin: () => Promise.resolve({ by: 'nothing' }) };

interface EngineDeps {
  vonage: Vonage;
  /** With `SILENT_AUTH=camara`. */
  camara: Camara | undefined;
  verifications: Verifications;
  fallbacks: readonly CodeChannel[];
  maxSteps: number;
}

/** The engines, by their names in `SILENT_AUTH`. */
export const ENGINES = {
  'network-enablement': ({ vonage }) => networkEnablementEngine(vonage),
  oidc: ({ vonage }) => oidcEngine(vonage),
  verify: verifyEngine,
  camara: ({ camara }) => camaraEngine(camara as Camara),
  off: () => codesOnlyEngine,
} satisfies Record<EngineName, (deps: EngineDeps) => Engine>;
