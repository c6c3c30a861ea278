export default {
  name: 'English',
  title: 'Log in with your phone number',
  lead: 'Usually there is no code to type: your mobile operator confirms that the SIM in this device has the number you enter.',
  languages: 'Language',
  help: 'Help with this login:',

  country: 'Country',
  phone: 'Phone number',
  phoneHint: 'As you dial it in this country, or with a plus sign and the country code.',
  submit: 'Log in',
  confirm: 'Confirm the code',
  restart: 'Use another number',
  logout: 'Log out',

  before: {
    title: 'Before you start',
    why: 'The operator sees your SIM only over the mobile network, and a page in a browser cannot choose that network as an app can. So, on your phone:',
    wifi: 'turn Wi-Fi off and mobile data on,',
    vpn: 'turn any VPN off, and iCloud Private Relay too,',
    secondSim: 'with two SIMs, let mobile data use the one with this number.',
  },
  network: {
    wifi: 'This browser says that it is on Wi-Fi just now.',
    ethernet: 'This browser says that it is on a cable just now.',
    cellular: 'This browser says that it is on the mobile network. Good.',
  },
  causes: {
    title: 'The usual causes',
    wifi: 'Wi-Fi is on, and the request used it.',
    vpn: 'A VPN hides the mobile network, often one of an employer.',
    relay: 'iCloud Private Relay, or another saver of data or privacy, does the same.',
    secondSim: 'The phone has a second SIM, and mobile data uses that one.',
    then: 'Fix this and try again, or continue with a code.',
  },
  otherDevice: {
    title: 'Is the SIM in another device?',
    qr: 'QR code with the address of this page',
    what: 'Scan this with the phone that has the number. It opens this page there, and there you log in.',
    why: 'It holds the address of this page and no login link: a login link to scan is what a phisher would send you. Do not scan one, and open none that somebody sends you.',
    unreachable:
      'Just now this page is on localhost, which means this very computer. A phone cannot open it.',
  },
  steps: {
    title: 'The five steps',
    send: 'This page sends your number to the server.',
    link: 'The server asks Vonage for a link.',
    open: 'Your device opens the link, and the operator sees its SIM.',
    back: 'You come back, and the server exchanges the operator’s code for a token.',
    answer: 'This page asks for the answer: is it your number?',
    instead: 'Instead, you type a code that was sent to your number.',
    total: (time) => `In all ${time}, and nothing to type but the number.`,
  },
  states: { idle: '', now: 'in progress', done: 'done', failed: 'failed' },
  conclusions: {
    silent_auth:
      'Why it worked: the operator saw a SIM with this number in this device, and the link was opened by the browser that began the login.',
    code: 'Why it worked: the code went to this number, and it was typed in the browser that began the login.',
    mismatch:
      'Why it failed: the operator saw the SIM in this device, and it has another number than the one you entered.',
  },
  session: {
    title: 'Your session',
    number: 'Phone number',
    channel: 'Confirmed by',
    since: 'Logged in',
    until: 'Ends, if unused',
  },
  channels: {
    silent_auth: 'The SIM in your device',
    sms: 'A code by SMS',
    rcs: 'A code by RCS',
    whatsapp: 'A code by WhatsApp',
    voice: 'A code by phone call',
  },

  checking: 'One moment…',
  beginning: 'Asking for your link…',
  leaving: 'Opening the link…',
  stuck: 'The link did not open. Check your connection and try again.',
  unavailable: 'A silent login is not possible for this number: its operator does not offer it.',
  asking: 'Asking your operator…',
  verified: 'You are logged in.',
  mismatch: 'You are not logged in: the SIM in this device has another number.',
  notVerified: 'You are not logged in: the number was not confirmed.',
  loggedOut: 'You are logged out.',
  otherTab: {
    in: 'You were logged in, in another tab.',
    out: 'You were logged out, in another tab.',
    replaced: 'Another login was begun meanwhile, perhaps in another tab. Go on there, or start again here.',
  },
  /** The status of this tab's login after a reload. */
  found: {
    pending: 'Your login is not finished. Start again, or continue with a code if one is offered.',
    failed: 'Your login did not succeed. Start again, or continue with a code if one is offered.',
    expired: 'Your login took too long. Start again, or continue with a code if one is offered.',
  },

  number: {
    none: 'This is not a phone number. Write it as you dial it, or as +447700900000: plus sign, country code, number.',
    short: 'This number is too short. Check whether digits are missing.',
    long: 'This number is too long. Check whether there are too many digits.',
    unknown: 'No country has such a number. Check the country code and the length.',
  },

  next: {
    sms: 'Send me a code by SMS',
    rcs: 'Send me a code by RCS',
    whatsapp: 'Send me a code by WhatsApp',
    voice: 'Call me with a code',
  },
  resend: { sms: 'Send again', rcs: 'Send again', whatsapp: 'Send again', voice: 'Call again' },
  resendIn: (action, seconds) => `${action} in ${seconds} s`,
  sending: { sms: 'Sending a code…', rcs: 'Sending a code…', whatsapp: 'Sending a code…', voice: 'Calling…' },
  sent: {
    sms: 'A code is on its way by SMS.',
    rcs: 'A code is on its way by RCS.',
    whatsapp: 'A code is on its way by WhatsApp.',
    voice: 'You are being called, and will hear a code.',
  },
  sentAgain: 'A new code is on its way. The one before no longer works.',
  /** The server does not accept a request yet. The page repeats it. */
  wait: {
    login:
      'Another login with this number began a moment ago. Yours starts as soon as it can replace that one.',
    code: 'The last attempt with this number was only a moment ago. Your code is sent as soon as the next one is allowed.',
    left: (seconds) => `Continues by itself in ${seconds} s.`,
    cancel: 'Cancel',
    cancelled: 'Cancelled.',
  },
  /** Why a message did not arrive. */
  reasons: {
    blocked: 'No code was sent: protection against fraud blocked it.',
    rejected: 'The code did not arrive: the mobile network rejected it.',
    user_rejected: 'The login was declined on the phone with this number.',
    unreachable: 'The code did not arrive: the phone with this number is switched off or has no signal.',
    otherwise: 'The code did not arrive.',
  },
  afterReason: {
    left: 'Choose another way to get a code, or start again.',
    none: 'Start again later, or use another number.',
  },
  orType: {
    sms: 'You can also type the code that is on its way by SMS.',
    rcs: 'You can also type the code that is on its way by RCS.',
    whatsapp: 'You can also type the code that is on its way by WhatsApp.',
    voice: 'You can also type the code that you hear when you are called.',
  },
  codeLabel: {
    sms: 'Code from the SMS',
    rcs: 'Code from the RCS message',
    whatsapp: 'Code from WhatsApp',
    voice: 'Code from the call',
  },
  codeHint: (length, number) => `${length} digits, sent to ${number}.`,
  codeTooShort: (length) => `The code has ${length} digits.`,
  checkingCode: 'Checking the code…',
  wrongCode: 'This code is not right. Check it and type it again.',
  codeTooOld: {
    left: 'This code is too old. Ask for another one.',
    none: 'This code is too old. Start again.',
  },
  noMoreChannels: {
    left: 'No more codes can be sent in this way. Choose another one.',
    none: 'No code can be sent for this login any more. Start again.',
  },

  /** Errors in the fragment. Its own text is never shown, because any site can link here. */
  returned: {
    denied:
      'The operator did not let this device in. It may be on Wi-Fi or behind a VPN: turn both off and try again.',
    not_on_cellular:
      'The operator did not see this device on its network. Turn Wi-Fi and VPN off and try again.',
    consent_required:
      'The operator needs your consent before it confirms your number. Log in with a code, or give it and try again.',
    number_not_supported: 'The operator cannot confirm this number.',
    operator_error: 'The operator could not answer. Try again.',
    not_completed: 'The operator could not confirm the number in this way.',
    other_number: 'You are not logged in: the SIM in this device has another number.',
    login_expired: 'This login is over: its link is too old, or was used before. Start again.',
    wrong_client:
      'This link belongs to a login that was not begun in this browser. Nobody was logged in. If somebody sent it to you, they may be trying to log in as you.',
    otherwise: 'The login did not succeed. Start again.',
  },
  /** Errors of the server. `no_answer`: the server did not answer. */
  errors: {
    invalid_request: 'The server did not understand this page. Load it again.',
    invalid_phone_number: 'No country has such a number. Check the country code and the length.',
    invalid_code: 'The code is wrong, was used before, or belongs to another login. Start again.',
    silent_auth_failed: 'The operator could not confirm the number.',
    forbidden_origin: 'This page may not log in here.',
    country_not_allowed: 'Numbers of this country cannot log in here.',
    number_not_allowed: 'Numbers of this kind cannot log in here. Use the number of a mobile phone.',
    login_refused: 'This login is not allowed.',
    step_up_required: 'Your SIM was confirmed. To be on the safe side, a code is required as well.',
    request_timeout: 'Your connection was too slow. Try again.',
    no_more_channels: 'No code can be sent for this login any more. Start again.',
    too_many_attempts: 'The code was wrong too often, and this login is over. Start again.',
    rate_limited: 'That was tried too often just now.',
    login_in_progress: 'A login with this number is already under way.',
    login_expired: 'It took too long, and this login is over. Start again.',
    no_login: 'This login is over. Start again.',
    upstream_error: 'The operator’s answer could not be read. Try again.',
    upstream_timeout: 'The operator did not answer in time. Try again.',
    unavailable: 'The service is not available just now.',
    no_answer: 'The server did not answer. Check your connection and try again.',
    otherwise: 'Something went wrong. Try again.',
  },
  retryAfter: (seconds) => `Try again in ${seconds} s.`,
};
