import { WEBHOOK_ENV } from './cases/webhooks.js';
import { describeFalseAnswers } from './false-answers-suite.js';
import { CALLS } from './vonage-calls.js';

describeFalseAnswers('Network Enablement', {}, [CALLS.networkEnablement]);
// Only a chain has a next step.
const CHAINED = {
  ...WEBHOOK_ENV,
  ...{ SILENT_AUTH: 'verify', VERIFY_CHAIN: 'true', FALLBACK_CHANNELS: 'sms,voice' },
};
describeFalseAnswers('Verify', CHAINED, [CALLS.start, CALLS.next, CALLS.cancel]);
