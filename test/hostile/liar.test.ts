import { WEBHOOK_ENV } from './cases/webhooks.js';
import { describeLies } from './lied-to.js';
import { SCENES } from './scenes.js';

// The answers that log somebody in, and the one that carries a token; liar.long.test.ts has the others.
describeLies('Number Verification', {}, [SCENES.token, SCENES.numberVerification]);
describeLies('Verify', { ...WEBHOOK_ENV, SILENT_AUTH: 'verify', FALLBACK_CHANNELS: 'sms,voice' }, [
  SCENES.check,
]);
