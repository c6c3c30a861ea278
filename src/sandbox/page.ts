import { join } from 'node:path';
import express, { Router } from 'express';

/** The page for people: at `/`, and what it is made of under `/page`. @param root the folder of the package */
export const page = (root: string): Router => {
  const folder = join(root, 'src', 'sandbox', 'public');
  const router = Router({ caseSensitive: true, strict: true });
  router.get('/', (_req, res) => res.sendFile(join(folder, 'index.html'), { cacheControl: false }));
  router.use('/page', express.static(folder, { index: false, redirect: false, cacheControl: false }));
  return router;
};
