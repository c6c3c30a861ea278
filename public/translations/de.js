export default {
  name: 'Deutsch',
  title: 'Anmelden mit der Telefonnummer',
  lead: 'In der Regel ist kein Code einzugeben: Ihr Mobilfunkanbieter bestätigt, dass die SIM in diesem Gerät die eingegebene Nummer hat.',
  languages: 'Sprache',
  help: 'Hilfe zu dieser Anmeldung:',

  country: 'Land',
  phone: 'Telefonnummer',
  phoneHint: 'So, wie man sie in diesem Land wählt, oder mit Pluszeichen und Landesvorwahl.',
  submit: 'Anmelden',
  confirm: 'Code bestätigen',
  restart: 'Andere Nummer verwenden',
  logout: 'Abmelden',

  before: {
    title: 'Bevor Sie beginnen',
    why: 'Der Anbieter sieht Ihre SIM nur über das Mobilfunknetz, und eine Seite im Browser kann dieses Netz nicht wählen, wie eine App es kann. Daher auf Ihrem Telefon:',
    wifi: 'WLAN ausschalten und mobile Daten einschalten,',
    vpn: 'VPN ausschalten, ebenso iCloud Privat-Relay,',
    secondSim: 'bei zwei SIMs die mobilen Daten über die mit dieser Nummer laufen lassen.',
  },
  network: {
    wifi: 'Dieser Browser meldet, dass er gerade im WLAN ist.',
    ethernet: 'Dieser Browser meldet, dass er gerade an einem Kabel hängt.',
    cellular: 'Dieser Browser meldet, dass er im Mobilfunknetz ist. Gut so.',
  },
  causes: {
    title: 'Die üblichen Ursachen',
    wifi: 'WLAN ist an, und die Anfrage ging darüber.',
    vpn: 'Ein VPN verdeckt das Mobilfunknetz, oft das eines Arbeitgebers.',
    relay: 'iCloud Privat-Relay oder ein anderer Daten- oder Privatsphäreschutz tut dasselbe.',
    secondSim: 'Das Telefon hat eine zweite SIM, und die mobilen Daten laufen über sie.',
    then: 'Beheben Sie es und versuchen Sie es noch einmal, oder machen Sie mit einem Code weiter.',
  },
  otherDevice: {
    title: 'Steckt die SIM in einem anderen Gerät?',
    qr: 'QR-Code mit der Adresse dieser Seite',
    what: 'Scannen Sie dies mit dem Telefon, das die Nummer hat. Dort öffnet sich diese Seite, und dort melden Sie sich an.',
    why: 'Darin steht die Adresse dieser Seite und kein Anmeldelink: Einen Anmeldelink zum Scannen würde Ihnen ein Betrüger schicken. Scannen Sie keinen, und öffnen Sie keinen, den Ihnen jemand schickt.',
    unreachable:
      'Gerade liegt diese Seite auf localhost, also auf diesem Rechner selbst. Ein Telefon kann sie nicht öffnen.',
  },
  steps: {
    title: 'Die fünf Schritte',
    send: 'Diese Seite schickt Ihre Nummer an den Server.',
    link: 'Der Server bittet Vonage um einen Link.',
    open: 'Ihr Gerät öffnet den Link, und der Anbieter sieht seine SIM.',
    back: 'Sie kommen zurück, und der Server tauscht den Code des Anbieters gegen ein Token.',
    answer: 'Diese Seite fragt nach der Antwort: Ist es Ihre Nummer?',
    instead: 'Stattdessen geben Sie einen Code ein, der an Ihre Nummer ging.',
    total: (time) => `Zusammen ${time}, und nichts einzugeben als die Nummer.`,
  },
  states: { idle: '', now: 'läuft', done: 'fertig', failed: 'gescheitert' },
  conclusions: {
    silent_auth:
      'Warum es ging: Der Anbieter sah in diesem Gerät eine SIM mit dieser Nummer, und den Link öffnete der Browser, der die Anmeldung begonnen hat.',
    code: 'Warum es ging: Der Code ging an diese Nummer, und eingegeben wurde er in dem Browser, der die Anmeldung begonnen hat.',
    mismatch:
      'Warum es nicht ging: Der Anbieter sah die SIM in diesem Gerät, und sie hat eine andere Nummer als die eingegebene.',
  },
  session: {
    title: 'Ihre Sitzung',
    number: 'Telefonnummer',
    channel: 'Bestätigt durch',
    since: 'Angemeldet',
    until: 'Endet, wenn ungenutzt',
  },
  channels: {
    silent_auth: 'Die SIM in Ihrem Gerät',
    sms: 'Einen Code per SMS',
    rcs: 'Einen Code per RCS',
    whatsapp: 'Einen Code per WhatsApp',
    voice: 'Einen Code per Anruf',
  },

  checking: 'Einen Moment…',
  beginning: 'Ihr Link wird angefordert…',
  leaving: 'Der Link wird geöffnet…',
  stuck: 'Der Link ging nicht auf. Prüfen Sie Ihre Verbindung und versuchen Sie es noch einmal.',
  unavailable: 'Für diese Nummer geht die stille Anmeldung nicht: Ihr Anbieter bietet sie nicht an.',
  asking: 'Ihr Anbieter wird gefragt…',
  verified: 'Sie sind angemeldet.',
  mismatch: 'Sie sind nicht angemeldet: Die SIM in diesem Gerät hat eine andere Nummer.',
  notVerified: 'Sie sind nicht angemeldet: Die Nummer wurde nicht bestätigt.',
  loggedOut: 'Sie sind abgemeldet.',
  otherTab: {
    in: 'Sie wurden angemeldet, in einem anderen Tab.',
    out: 'Sie wurden abgemeldet, in einem anderen Tab.',
    replaced:
      'Inzwischen wurde eine andere Anmeldung begonnen, vielleicht in einem anderen Tab. Machen Sie dort weiter, oder beginnen Sie hier von vorn.',
  },
  found: {
    pending:
      'Ihre Anmeldung ist nicht abgeschlossen. Beginnen Sie von vorn, oder machen Sie mit einem Code weiter, wenn einer angeboten wird.',
    failed:
      'Ihre Anmeldung ist nicht gelungen. Beginnen Sie von vorn, oder machen Sie mit einem Code weiter, wenn einer angeboten wird.',
    expired:
      'Ihre Anmeldung hat zu lange gedauert. Beginnen Sie von vorn, oder machen Sie mit einem Code weiter, wenn einer angeboten wird.',
  },

  number: {
    none: 'Das ist keine Telefonnummer. Schreiben Sie sie, wie man sie wählt, oder als +447700900000: Pluszeichen, Landesvorwahl, Nummer.',
    short: 'Diese Nummer ist zu kurz. Prüfen Sie, ob Ziffern fehlen.',
    long: 'Diese Nummer ist zu lang. Prüfen Sie, ob sie zu viele Ziffern hat.',
    unknown: 'Eine solche Nummer gibt es in keinem Land. Prüfen Sie Landesvorwahl und Länge.',
  },

  next: {
    sms: 'Code per SMS schicken',
    rcs: 'Code per RCS schicken',
    whatsapp: 'Code per WhatsApp schicken',
    voice: 'Mich anrufen und den Code ansagen',
  },
  resend: {
    sms: 'Noch einmal schicken',
    rcs: 'Noch einmal schicken',
    whatsapp: 'Noch einmal schicken',
    voice: 'Noch einmal anrufen',
  },
  resendIn: (action, seconds) => `${action} (in ${seconds} s)`,
  sending: {
    sms: 'Ein Code wird geschickt…',
    rcs: 'Ein Code wird geschickt…',
    whatsapp: 'Ein Code wird geschickt…',
    voice: 'Sie werden gleich angerufen…',
  },
  sent: {
    sms: 'Ein Code ist per SMS unterwegs.',
    rcs: 'Ein Code ist per RCS unterwegs.',
    whatsapp: 'Ein Code ist per WhatsApp unterwegs.',
    voice: 'Sie werden angerufen und hören einen Code.',
  },
  sentAgain: 'Ein neuer Code ist unterwegs. Der vorige gilt nicht mehr.',
  wait: {
    login:
      'Mit dieser Nummer wurde gerade eben schon eine Anmeldung begonnen. Ihre startet, sobald sie die andere ablösen kann.',
    code: 'Der letzte Versuch mit dieser Nummer ist erst einen Moment her. Ihr Code wird geschickt, sobald der nächste erlaubt ist.',
    left: (seconds) => `In ${seconds} s geht es von selbst weiter.`,
    cancel: 'Abbrechen',
    cancelled: 'Abgebrochen.',
  },
  reasons: {
    blocked: 'Es wurde kein Code geschickt: Ein Schutz vor Betrug hat ihn gestoppt.',
    rejected: 'Der Code kam nicht an: Das Mobilfunknetz hat ihn abgelehnt.',
    user_rejected: 'Die Anmeldung wurde auf dem Telefon mit dieser Nummer abgelehnt.',
    unreachable: 'Der Code kam nicht an: Das Telefon mit dieser Nummer ist aus oder hat keinen Empfang.',
    otherwise: 'Der Code kam nicht an.',
  },
  afterReason: {
    left: 'Wählen Sie einen anderen Weg für den Code, oder beginnen Sie von vorn.',
    none: 'Versuchen Sie es später noch einmal, oder nehmen Sie eine andere Nummer.',
  },
  orType: {
    sms: 'Sie können auch den Code eingeben, der per SMS unterwegs ist.',
    rcs: 'Sie können auch den Code eingeben, der per RCS unterwegs ist.',
    whatsapp: 'Sie können auch den Code eingeben, der per WhatsApp unterwegs ist.',
    voice: 'Sie können auch den Code eingeben, den Sie am Telefon hören.',
  },
  codeLabel: {
    sms: 'Code aus der SMS',
    rcs: 'Code aus der RCS-Nachricht',
    whatsapp: 'Code aus WhatsApp',
    voice: 'Code aus dem Anruf',
  },
  codeHint: (length, number) => `${length} Ziffern, geschickt an ${number}.`,
  codeTooShort: (length) => `Der Code hat ${length} Ziffern.`,
  checkingCode: 'Der Code wird geprüft…',
  wrongCode: 'Dieser Code stimmt nicht. Sehen Sie noch einmal nach und geben Sie ihn neu ein.',
  codeTooOld: {
    left: 'Dieser Code ist zu alt. Fordern Sie einen neuen an.',
    none: 'Dieser Code ist zu alt. Beginnen Sie von vorn.',
  },
  noMoreChannels: {
    left: 'Auf diesem Weg kann kein Code mehr geschickt werden. Wählen Sie einen anderen.',
    none: 'Für diese Anmeldung kann kein Code mehr geschickt werden. Beginnen Sie von vorn.',
  },

  returned: {
    denied:
      'Der Anbieter hat dieses Gerät nicht zugelassen. Vielleicht ist es im WLAN oder hinter einem VPN: Schalten Sie beides aus und versuchen Sie es noch einmal.',
    not_on_cellular:
      'Der Anbieter hat dieses Gerät nicht in seinem Netz gesehen. Schalten Sie WLAN und VPN aus und versuchen Sie es noch einmal.',
    consent_required:
      'Der Anbieter braucht Ihre Einwilligung, bevor er Ihre Nummer bestätigt. Melden Sie sich mit einem Code an, oder erteilen Sie sie und versuchen Sie es noch einmal.',
    number_not_supported: 'Der Anbieter kann diese Nummer nicht bestätigen.',
    operator_error: 'Der Anbieter konnte nicht antworten. Versuchen Sie es noch einmal.',
    not_completed: 'Der Anbieter konnte die Nummer auf diesem Weg nicht bestätigen.',
    other_number: 'Sie sind nicht angemeldet: Die SIM in diesem Gerät hat eine andere Nummer.',
    login_expired:
      'Diese Anmeldung ist vorbei: Ihr Link ist zu alt oder wurde schon benutzt. Beginnen Sie von vorn.',
    wrong_client:
      'Dieser Link gehört zu einer Anmeldung, die nicht in diesem Browser begonnen wurde. Niemand wurde angemeldet. Wenn ihn Ihnen jemand geschickt hat, will er sich vielleicht als Sie anmelden.',
    otherwise: 'Die Anmeldung ist nicht gelungen. Beginnen Sie von vorn.',
  },
  errors: {
    invalid_request: 'Der Server hat diese Seite nicht verstanden. Laden Sie sie neu.',
    invalid_phone_number: 'Eine solche Nummer gibt es in keinem Land. Prüfen Sie Landesvorwahl und Länge.',
    invalid_code:
      'Der Code ist falsch, wurde schon benutzt oder gehört zu einer anderen Anmeldung. Beginnen Sie von vorn.',
    silent_auth_failed: 'Der Anbieter konnte die Nummer nicht bestätigen.',
    forbidden_origin: 'Diese Seite darf hier nicht anmelden.',
    country_not_allowed: 'Nummern dieses Landes können sich hier nicht anmelden.',
    number_not_allowed:
      'Nummern dieser Art können sich hier nicht anmelden. Nehmen Sie die Nummer eines Mobiltelefons.',
    login_refused: 'Diese Anmeldung ist nicht erlaubt.',
    step_up_required: 'Ihre SIM wurde bestätigt. Sicherheitshalber wird noch ein Code verlangt.',
    request_timeout: 'Ihre Verbindung war zu langsam. Versuchen Sie es noch einmal.',
    no_more_channels: 'Für diese Anmeldung kann kein Code mehr geschickt werden. Beginnen Sie von vorn.',
    too_many_attempts: 'Der Code war zu oft falsch, und diese Anmeldung ist vorbei. Beginnen Sie von vorn.',
    rate_limited: 'Das wurde gerade zu oft versucht.',
    login_in_progress: 'Eine Anmeldung mit dieser Nummer läuft schon.',
    login_expired: 'Es hat zu lange gedauert, und diese Anmeldung ist vorbei. Beginnen Sie von vorn.',
    no_login: 'Diese Anmeldung ist vorbei. Beginnen Sie von vorn.',
    upstream_error: 'Die Antwort des Anbieters war nicht lesbar. Versuchen Sie es noch einmal.',
    upstream_timeout: 'Der Anbieter hat nicht rechtzeitig geantwortet. Versuchen Sie es noch einmal.',
    unavailable: 'Der Dienst ist gerade nicht erreichbar.',
    no_answer:
      'Der Server hat nicht geantwortet. Prüfen Sie Ihre Verbindung und versuchen Sie es noch einmal.',
    otherwise: 'Etwas ist schiefgegangen. Versuchen Sie es noch einmal.',
  },
  retryAfter: (seconds) => `Versuchen Sie es in ${seconds} s noch einmal.`,
};
