// With DEBUG set, Express, express-session and ioredis would print queries, session ids and what is stored, past our log
// and its level. They read the variable when they are loaded, so this is imported before them.
delete process.env['DEBUG'];
