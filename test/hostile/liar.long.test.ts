import { WEBHOOK_ENV } from './cases/webhooks.js';
import { describeLies } from './lied-to.js';
import { SCENES } from './scenes.js';

describeLies('Network Enablement', {}, [SCENES.networkEnablement]);
describeLies('Verify', { ...WEBHOOK_ENV, SILENT_AUTH: 'verify', FALLBACK_CHANNELS: 'sms,voice' }, [
  SCENES.start,
  SCENES.next,
  SCENES.cancel,
]);
