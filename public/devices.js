import { inWords } from './language.js';
import { helpLink } from './server.js';
import encodeQR from './vendor/qr.js';

/** What the page can know of the device it is on, and how to go on with another one. */

const part = (id) => document.getElementById(id);
const DESKTOP = '(hover: hover) and (pointer: fine)';
const SVG = 'http://www.w3.org/2000/svg';

/** The kind of network, where the browser tells. It is a hint: behind a hotspot, Wi-Fi is cellular and is not. */
function hintAtNetwork(words) {
  const hint = words.network[navigator.connection?.type];
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
 * Shows the address of this page to a phone's camera. Never an `auth_url`: people who are used to scanning links that log
 * somebody in would scan an attacker's as well.
 */
function offerOtherDevice() {
  const { origin, hostname } = location;
  part('unreachable').hidden = !/^(localhost|127\.[\d.]+|\[::1\])$/.test(hostname);
  drawQr(part('qr'), `${origin}/`);
  const desktop = window.matchMedia(DESKTOP);
  const show = () => (part('other-device').hidden = !desktop.matches);
  desktop.addEventListener('change', show);
  show();
}

async function offerHelp() {
  const link = await helpLink();
  if (link === undefined) return;
  part('help-link').href = link;
  part('help-link').textContent = new URL(link).host;
  part('help').hidden = false;
}

navigator.connection?.addEventListener?.('change', inWords(hintAtNetwork));
offerOtherDevice();
void offerHelp();
