import { onLanguage } from './language.js';
import { helpLink } from './server.js';
import encodeQR from './vendor/qr.js';

const part = (id) => document.getElementById(id);
const DESKTOP = '(hover: hover) and (pointer: fine)';
const SVG = 'http://www.w3.org/2000/svg';

/** Only a hint: a phone's hotspot is Wi-Fi to this device, and cellular to the operator. */
function showNetworkHint(texts) {
  const hint = texts.network[navigator.connection?.type];
  part('network').hidden = hint === undefined;
  part('network').textContent = hint ?? '';
}

function drawQr(svg, text) {
  const rows = encodeQR(text, 'raw', { border: 2 });
  const path = document.createElementNS(SVG, 'path');
  const dark = rows.flatMap((row, y) => row.flatMap((isDark, x) => (isDark ? [`M${x} ${y}h1v1h-1z`] : [])));
  path.setAttribute('d', dark.join(''));
  svg.setAttribute('viewBox', `0 0 ${rows.length} ${rows.length}`);
  svg.replaceChildren(path);
}

/**
 * Shows a QR code with the address of this page. Never an `auth_url`: users who are used to
 * scanning login links would scan an attacker's as well.
 */
function showOtherDevice() {
  const { origin, hostname } = location;
  part('unreachable').hidden = !/^(localhost|127\.[\d.]+|\[::1\])$/.test(hostname);
  drawQr(part('qr'), `${origin}/`);
  const desktop = window.matchMedia(DESKTOP);
  const show = () => (part('other-device').hidden = !desktop.matches);
  desktop.addEventListener('change', show);
  show();
}

async function showHelpLink() {
  const link = await helpLink();
  if (link === undefined) return;
  part('help-link').href = link;
  part('help-link').textContent = new URL(link).host;
  part('help').hidden = false;
}

navigator.connection?.addEventListener?.('change', onLanguage(showNetworkHint));
showOtherDevice();
void showHelpLink();
