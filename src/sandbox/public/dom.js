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

export const numberIn = (text) => {
  const number = text.replace(/[\s().-]/g, '');
  return /^\+[1-9]\d{4,14}$/.test(number) ? number : undefined;
};

export const INVALID_NUMBER =
  'Enter the number with a plus sign and the country code, such as +447700900001.';

/** @param at ISO 8601 */
export const clock = (at) => new Date(at).toLocaleTimeString('en-GB');
