import type { Page } from 'playwright-core';
import { COLOURS, seriousIssues } from '../support/axe.js';
import { photograph, type Person, listenTo, type PersonOptions, type Stage } from '../support/browser.js';
import type { System } from '../support/system.js';

export const UNSUPPORTED = '+447700900102';
export const WIFI = '+447700900103';

/** A user with two tabs: the login page and the page of the sandbox. */
export interface Onlooker extends Person {
  /** The tab with the sandbox. */
  watched: Page;
  /** Changes the number after a failed login. */
  logInAgain(phoneNumber: string): Promise<void>;
  /** Waits until the page of the sandbox shows this outcome. */
  sees(ending: string): Promise<void>;
  /** The calls of a step in order, without the polls of the login page. */
  saysOf(step: string): Promise<string[]>;
  titles(): Promise<string[]>;
  /** Checks the page with axe-core, and photographs it, in the light and the dark scheme. */
  inspect(name: string): Promise<void>;
}

export async function openPage(stage: Stage, system: System, options: PersonOptions = {}): Promise<Onlooker> {
  const person = await stage.person(system, options);
  const watched = await person.context.newPage();
  listenTo(watched, stage.complaints);
  await watched.goto(system.sandbox);
  await watched.getByLabel(`Behaviour of ${UNSUPPORTED}`).waitFor();
  return {
    ...person,
    watched,
    async logIn(phoneNumber) {
      await person.page.bringToFront();
      await person.logIn(phoneNumber);
    },
    async logInAgain(phoneNumber) {
      await person.page.bringToFront();
      await person.page.getByRole('button', { name: 'Change' }).first().click();
      await person.page.getByLabel('Phone number').fill(phoneNumber);
      await person.page.getByRole('button', { name: 'Log in' }).click();
    },
    sees: (ending) => watched.locator('#ending').filter({ hasText: ending }).waitFor(),
    saysOf: async (step) =>
      (await watched.locator(`[data-step="${step}"] .says`).allTextContents()).filter(
        (says) => !says.startsWith('The app asks for the '),
      ),
    titles: () => watched.locator('.step h3').allTextContents(),
    async inspect(name) {
      for (const colorScheme of ['light', 'dark'] as const) {
        await watched.emulateMedia({ colorScheme });
        await photograph(watched, `sandbox-${name}-${colorScheme}`);
        // The schemes differ in colours only.
        const only = [...COLOURS, 'color-contrast-enhanced'];
        expect(await seriousIssues(watched, colorScheme === 'dark' ? { only } : {})).toEqual([]);
      }
    },
  };
}
