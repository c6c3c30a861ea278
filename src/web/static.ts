import express, { Router, type Response } from 'express';

/** Kept by browsers, but asked for again each time, so that a new version is seen at once. */
const revalidate = (res: Response): Response => res.setHeader('Cache-Control', 'no-cache');

/** The page at `/`, and at `/errors.md` the text that the `type` of every problem leads to. */
export function staticFiles(publicDir: string, errorsFile: string): Router {
  const router = Router({ caseSensitive: true, strict: true });
  router.use(express.static(publicDir, { redirect: false, setHeaders: revalidate }));
  router.get('/errors.md', (_req, res) => {
    revalidate(res).type('text/plain; charset=utf-8').sendFile(errorsFile, { cacheControl: false });
  });
  return router;
}
