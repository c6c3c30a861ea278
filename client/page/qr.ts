import encodeQR from 'qr';

const SVG = 'http://www.w3.org/2000/svg';

/** Draws the address of the page, which is all that may be scanned: no login link. */
export function drawQr(svg: Element, text: string): void {
  const rows = encodeQR(text, 'raw', { border: 2 });
  const dark = rows.flatMap((row, y) => row.flatMap((isDark, x) => (isDark ? [`M${x} ${y}h1v1h-1z`] : [])));
  const path = document.createElementNS(SVG, 'path');
  path.setAttribute('d', dark.join(''));
  svg.setAttribute('viewBox', `0 0 ${rows.length} ${rows.length}`);
  svg.replaceChildren(path);
}
