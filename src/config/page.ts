import { readFileSync } from 'node:fs';
import { parseUrl, type Reader } from './reader.js';

export type PageSettings = ReturnType<typeof readPage>;

/** The settings of the pages for people. @param publicUrl the origin of the login page */
export function readPage(reader: Reader, publicUrl: string) {
  const { get, flag } = reader;
  return {
    /** Empty if Verify is not used and no name is set. */
    brand: get('BRAND') ?? '',
    ...readLogo(reader),
    /** Absent: the colours of the style sheet. */
    accent: readAccent(reader),
    /** Where the user goes once logged in. Absent: the user stays on the page. */
    continueUrl: readContinueUrl(reader, publicUrl),
    helpUrl: readHelpUrl(reader),
    /** The text of the link to `helpUrl`. Absent: "Help" in the language of the user. */
    helpLabel: get('HELP_LABEL'),
    /** Whether the page shows the steps of a login and their times. */
    explain: flag('EXPLAIN', 'false'),
  };
}

const PNG_SIGNATURE = Buffer.from('89504e470d0a1a0a', 'hex');
const MAX_LOGO_BYTES = 100 * 1024;

interface Logo {
  /** An https URL, or the path at which the server serves `logoFile`. */
  logoUrl?: string;
  logoFile?: { type: 'image/svg+xml' | 'image/png'; bytes: Buffer };
}

/** Reads the file now, so that a problem is reported when the server starts. */
function readLogo({ get, fail }: Reader): Logo {
  const text = get('LOGO_URL');
  if (text === undefined) return {};
  if (text.includes('://')) {
    const url = parseUrl(text);
    if (url?.protocol !== 'https:')
      fail('LOGO_URL must begin with https://, or be the path of an .svg or .png file.');
    return { logoUrl: url?.href ?? '' };
  }
  const [, extension] = /\.(svg|png)$/i.exec(text) ?? [];
  if (extension === undefined) {
    fail('LOGO_URL must be a URL that begins with https://, or the path of an .svg or .png file.');
    return {};
  }
  const isPng = extension.toLowerCase() === 'png';
  const bytes = readImage(text, isPng);
  if (typeof bytes === 'string') {
    fail(`LOGO_URL names a file that ${bytes}.`);
    return {};
  }
  return isPng
    ? { logoUrl: '/logo.png', logoFile: { type: 'image/png', bytes } }
    : { logoUrl: '/logo.svg', logoFile: { type: 'image/svg+xml', bytes } };
}

/** @returns the content, or what is wrong with it */
function readImage(path: string, isPng: boolean): Buffer | string {
  try {
    const bytes = readFileSync(path);
    if (bytes.length > MAX_LOGO_BYTES)
      return `has ${bytes.length} bytes: at most ${MAX_LOGO_BYTES} are allowed`;
    const isImage = isPng ? bytes.subarray(0, 8).equals(PNG_SIGNATURE) : /<svg[\s>]/.test(bytes.toString());
    return isImage ? bytes : `is no ${isPng ? 'PNG' : 'SVG'} image`;
  } catch (error) {
    return `cannot be read (${(error as NodeJS.ErrnoException).code ?? 'unknown'})`;
  }
}

/** The grounds on which `public/base.css` shows the accent, and the text on the accent. */
const CARD = { light: '#ffffff', dark: '#19211f' };
const TEXT = { onDark: '#ffffff', onLight: '#101615' };

/** Contrast of text (WCAG 2.2, success criterion 1.4.3). */
const MIN_CONTRAST = 4.5;

/**
 * The colour of buttons and links, and that of text on it, as `#rrggbb`. In dark mode it is as much
 * lighter as the contrast requires.
 */
function readAccent({ get, fail }: Reader) {
  const text = get('ACCENT_COLOR')?.toLowerCase();
  if (text === undefined) return undefined;
  if (!/^#[0-9a-f]{6}$/.test(text)) {
    fail('ACCENT_COLOR must be a colour like #0b6e5f.');
    return undefined;
  }
  const ratio = contrast(text, CARD.light);
  if (ratio < MIN_CONTRAST)
    fail(
      `ACCENT_COLOR: ${text} has a contrast of ${roundDown(ratio)} to white, and text needs ${MIN_CONTRAST} (WCAG 2.2). ${blendUntilReadable(text, BLACK, CARD.light)} is near and has enough.`,
    );
  return {
    light: { color: text, on: TEXT.onDark },
    dark: { color: blendUntilReadable(text, WHITE, CARD.dark), on: TEXT.onLight },
  };
}

/** `4.49` must not be shown as `4.5`. */
const roundDown = (ratio: number): number => Math.floor(ratio * 100) / 100;

const BLACK = 0;
const WHITE = 255;

const channelsOf = (color: string): number[] => [...Buffer.from(color.slice(1), 'hex')];

/** Blends `color` with black or white, percent by percent, until it can be read on `ground`. */
function blendUntilReadable(color: string, other: typeof BLACK | typeof WHITE, ground: string): string {
  for (let share = 0; ; share += 0.01) {
    const channels = channelsOf(color).map((from) => Math.round(from + (other - from) * share));
    const blended = `#${Buffer.from(channels).toString('hex')}`;
    if (contrast(blended, ground) >= MIN_CONTRAST) return blended;
  }
}

/** The contrast ratio of WCAG 2.2. */
export function contrast(one: string, other: string): number {
  const [darker = 0, lighter = 0] = [luminance(one), luminance(other)].sort((a, b) => a - b);
  return (lighter + 0.05) / (darker + 0.05);
}

/** The relative luminance of WCAG 2.2. */
function luminance(color: string): number {
  const [red = 0, green = 0, blue = 0] = channelsOf(color).map((value) => {
    const part = value / 255;
    return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}

/** @returns the URL or path as it is set */
function readContinueUrl({ get, fail }: Reader, publicUrl: string): string | undefined {
  const text = get('CONTINUE_URL');
  if (text === undefined) return undefined;
  const isPath = /^\/(?![/\\])[^\s\\]*$/.test(text);
  const url = isPath ? parseUrl(text, publicUrl) : parseUrl(text);
  const isLocal = url?.protocol === 'http:' && url.hostname === 'localhost';
  if (!isPath && url?.protocol !== 'https:' && !isLocal)
    fail('CONTINUE_URL must begin with https:// (http:// only for localhost), or be a path like /account.');
  if (url !== undefined && url.origin === publicUrl && url.pathname === '/')
    fail('CONTINUE_URL must not be the login page itself.');
  return isPath ? text : url?.href;
}

/** @returns the URL as browsers write it */
function readHelpUrl({ get, fail }: Reader): string | undefined {
  const text = get('HELP_URL');
  const url = text === undefined ? undefined : parseUrl(text);
  if (text !== undefined && !/^https?:$/.test(url?.protocol ?? ''))
    fail('HELP_URL must be a URL that begins with https:// (or http://).');
  return url?.href;
}
