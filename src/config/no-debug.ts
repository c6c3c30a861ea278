// With DEBUG set, Express, express-session and ioredis print queries, session ids and stored
// values, whatever the log level. They read it when they are loaded, so import this before them.
delete process.env['DEBUG'];
