import type { IRouter } from 'express';
import type { Stage } from './state.js';
import { onFragment, onTemplate, serve, withBody, type Outcome, type Works } from './template-outcomes.js';
import { pageOf } from './template-pages.js';
import {
  FragmentChange,
  NewFragment,
  NewTemplate,
  shapes,
  TemplateChange,
  TEMPLATES,
} from './template-shapes.js';
import type { Template } from './template-shelf.js';

/** "An account can only have a maximum of 10 custom templates". */
const MOST_TEMPLATES = 10;

const collection = (stage: Stage): Works => {
  const shelf = stage.state.templates;
  const shape = shapes(stage);
  return {
    get: (req) => pageOf(req, shape.collection(), 'templates', shelf.all().map(shape.template)),
    post: (req) =>
      withBody(NewTemplate, req, ({ name }): Outcome => {
        if (shelf.all().some((each) => each.name === name)) return { problem: 'templateExists' };
        if (shelf.all().length >= MOST_TEMPLATES) return { problem: 'maxTemplates' };
        const template = shelf.add(name);
        // The first custom template becomes the default by itself (Vonage, guide "Template Management").
        if (shelf.all().length === 1) shelf.defaultId = template.id;
        return { status: 201, body: shape.template(template) };
      }),
  };
};

const item = (stage: Stage): Works => {
  const shelf = stage.state.templates;
  const shape = shapes(stage);
  const isTaken = (name: string, by: Template): boolean =>
    shelf.all().some((each) => each !== by && each.name === name);
  return {
    get: onTemplate(stage, (template) => ({ status: 200, body: shape.template(template) })),
    patch: onTemplate(stage, (template, req) =>
      withBody(TemplateChange, req, ({ name = template.name, is_default }): Outcome => {
        if (isTaken(name, template)) return { problem: 'templateExists' };
        template.name = name;
        if (is_default === true) shelf.defaultId = template.id;
        if (is_default === false && shelf.defaultId === template.id) shelf.defaultId = undefined;
        return { status: 200, body: shape.template(template) };
      }),
    ),
    delete: onTemplate(stage, (template): Outcome => {
      if (template.fragments.size > 0) return { problem: 'notEmptyTemplate' };
      shelf.remove(template.id);
      return { status: 204 };
    }),
  };
};

const fragments = (stage: Stage): Works => {
  const shape = shapes(stage);
  return {
    get: onTemplate(stage, (template, req) => {
      const all = [...template.fragments.values()].map((each) => shape.fragment(template, each));
      return pageOf(req, shape.fragments(template), 'template_fragments', all);
    }),
    post: onTemplate(stage, (template, req) =>
      withBody(NewFragment, req, (words): Outcome => {
        const isThere = [...template.fragments.values()].some(
          ({ channel, locale }) => channel === words.channel && locale === words.locale,
        );
        if (isThere) return { problem: 'fragmentExists' };
        const fragment = stage.state.templates.addFragment(template, words);
        return { status: 201, body: shape.fragment(template, fragment) };
      }),
    ),
  };
};

const fragment = (stage: Stage): Works => {
  const shape = shapes(stage);
  return {
    get: onFragment(stage, (template, each) => ({ status: 200, body: shape.fragment(template, each) })),
    patch: onFragment(stage, (template, each, req) =>
      withBody(FragmentChange, req, ({ text }): Outcome => {
        stage.state.templates.rewrite(each, text);
        return { status: 200, body: shape.fragment(template, each) };
      }),
    ),
    delete: onFragment(stage, (template, each): Outcome => {
      template.fragments.delete(each.id);
      return { status: 204 };
    }),
  };
};

/** The custom templates of Verify v2 and their fragments, with the rules of its reference. */
export const templates = (stage: Stage, router: IRouter): void => {
  serve(stage, router, TEMPLATES, collection(stage));
  serve(stage, router, `${TEMPLATES}/:template_id`, item(stage));
  serve(stage, router, `${TEMPLATES}/:template_id/template_fragments`, fragments(stage));
  serve(stage, router, `${TEMPLATES}/:template_id/template_fragments/:template_fragment_id`, fragment(stage));
};
