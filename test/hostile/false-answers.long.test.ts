import { WEBHOOK_ENV } from './cases/webhooks.js';
import { describeFalseAnswers } from './false-answers-suite.js';
import { CALLS } from './vonage-calls.js';

describeFalseAnswers('Network Enablement', {}, [CALLS.networkEnablement]);
describeFalseAnswers('Verify', { ...WEBHOOK_ENV, SILENT_AUTH: 'verify', FALLBACK_CHANNELS: 'sms,voice' }, [
  CALLS.start,
  CALLS.next,
  CALLS.cancel,
]);
