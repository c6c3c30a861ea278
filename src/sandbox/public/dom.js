/** The element with this id. */
export const byId = (id) => document.getElementById(id);

/** Makes an element, without the attributes and children that are undefined or false. */
export const make = (tag, attributes = {}, ...children) => {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value !== undefined && value !== false) element.setAttribute(name, value === true ? '' : value);
  }
  element.append(...children.filter((child) => child !== undefined));
  return element;
};

/** The number in E.164 with its plus sign, without the spaces and signs that people write. */
export const numberIn = (text) => {
  const number = text.replace(/[\s().-]/g, '');
  return /^\+[1-9]\d{4,14}$/.test(number) ? number : undefined;
};

export const NO_NUMBER = 'Write the number with a plus sign and the country code, such as +447700900001.';

/** The time of day of an ISO 8601 time. */
export const clock = (at) => new Date(at).toLocaleTimeString('en-GB');
