import { SHELF_LENGTH } from './ledger.js';

export type Channel = 'silent_auth' | 'sms' | 'voice';

/** How a step ended, in the words of the summary; `pending` is the one under way. */
export type StepStatus = 'unused' | 'pending' | 'completed' | 'failed' | 'expired' | 'user_rejected';

/** One step of a workflow. */
export interface Step {
  channel: Channel;
  /** E.164 with its plus sign, unlike the field of the request. */
  to: string;
  redirectUrl?: string | undefined;
  /** Whether the network was to be looked up before the 202. */
  coverageCheck: boolean;
  status: StepStatus;
  /** Milliseconds since the epoch; absent while the step is unused. */
  initiatedAt?: number;
  endsAt?: number;
  /** A device opened the check URL, which may be done once. */
  walked: boolean;
  /** What the user or the device has to say; a silent step has one only at the end of its walk. */
  code?: string;
}

export interface VerifyRequest {
  id: string;
  brand: string;
  locale: string;
  /** Seconds. */
  channelTimeout: number;
  clientRef?: string | undefined;
  codeLength: number;
  /** The customer's own code, for the steps that send one. */
  ownCode?: string | undefined;
  templateId?: string | undefined;
  /** Milliseconds since the epoch. */
  submittedAt: number;
  steps: Step[];
  wrongCodes: number;
}

/** The step under way; undefined once the request is over. */
export const stepUnderWay = (request: VerifyRequest): Step | undefined =>
  request.steps.find(({ status }) => status === 'pending');

/** The step that would be next. */
export const nextStep = (request: VerifyRequest): Step | undefined =>
  request.steps.find(({ status }) => status === 'unused');

export interface VerifyBook {
  add(request: VerifyRequest): void;
  get(id: string): VerifyRequest | undefined;
  /** The request under way to this number. */
  to(number: string): VerifyRequest | undefined;
  all(): VerifyRequest[];
  remove(request: VerifyRequest): void;
  clear(): void;
}

/** The requests under way. Vonage answers for one that is over as for one that never was, so those are forgotten. */
export const createVerifyBook = (): VerifyBook => {
  const byId = new Map<string, VerifyRequest>();
  const byNumber = new Map<string, VerifyRequest>();
  const remove = (request: VerifyRequest): void => {
    byId.delete(request.id);
    for (const { to } of request.steps) if (byNumber.get(to) === request) byNumber.delete(to);
  };
  return {
    add: (request) => {
      byId.set(request.id, request);
      for (const { to } of request.steps) byNumber.set(to, request);
      const [oldest] = byId.values();
      if (byId.size > SHELF_LENGTH && oldest) remove(oldest);
    },
    get: (id) => byId.get(id),
    to: (number) => byNumber.get(number),
    all: () => [...byId.values()],
    remove,
    clear: () => {
      byId.clear();
      byNumber.clear();
    },
  };
};
