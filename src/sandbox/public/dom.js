export const byId = (id) => document.getElementById(id);

/** Creates an element. Ignores attributes that are undefined or false, and undefined children. */
export const make = (tag, attributes = {}, ...children) => {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value !== undefined && value !== false) element.setAttribute(name, value === true ? '' : value);
  }
  element.append(...children.filter((child) => child !== undefined));
  return element;
};

const shown = new WeakMap();

/**
 * Shows items as the children of a list. A child stays, with its focus and its state, as long as
 * its item is the same: so screen readers speak what is new alone.
 */
export const showItems = (list, items, makeItem) => {
  const kept = new Map([...list.children].map((child) => [shown.get(child), child]));
  items.forEach((item, index) => {
    const content = JSON.stringify(item);
    const child = kept.get(content) ?? makeItem(item);
    kept.delete(content);
    shown.set(child, content);
    if (list.children[index] !== child) list.insertBefore(child, list.children[index] ?? null);
  });
  while (list.children.length > items.length) list.lastChild.remove();
};

export const numberIn = (text) => {
  const number = text.replace(/[\s().-]/g, '');
  return /^\+[1-9]\d{4,14}$/.test(number) ? number : undefined;
};

export const INVALID_NUMBER =
  'Enter the number with a plus sign and the country code, such as +447700900001.';

/** @param at ISO 8601 */
export const clock = (at) => new Date(at).toLocaleTimeString('en-GB');
