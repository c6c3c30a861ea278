import { WEBHOOK_ENV } from './cases/webhooks.js';
import { describeFalseAnswers } from './false-answers-suite.js';
import { CALLS } from './vonage-calls.js';

// The calls whose answer logs in or contains a token; false-answers.long.test.ts has the others.
describeFalseAnswers('Number Verification', {}, [CALLS.token, CALLS.numberVerification]);
describeFalseAnswers('Verify', { ...WEBHOOK_ENV, SILENT_AUTH: 'verify', FALLBACK_CHANNELS: 'sms,voice' }, [
  CALLS.check,
]);
