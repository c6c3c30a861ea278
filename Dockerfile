# One image, two programs: the server, which starts by default, and the sandbox (`node dist/sandbox/main.js`).
# Node 24, because Express sets the prototype of each request and response, which is slow before it.

FROM node:24-alpine AS build
WORKDIR /app
# The lists of packages come first: while they stay the same, so does the layer with the packages.
COPY package.json package-lock.json ./
RUN npm ci
COPY tsconfig.json tsconfig.build.json ./
COPY src ./src
COPY client ./client
RUN npm run build

# A stage of its own, so that neither compiler nor tests come near the final image.
FROM node:24-alpine AS modules
WORKDIR /app
COPY package.json package-lock.json ./
RUN npm ci --omit=dev
# Of the viewer of the contract, what `/docs` is made of: 2 of its 12 MB.
RUN cd node_modules/swagger-ui-dist && find . -type f ! -name swagger-ui.css ! -name swagger-ui-bundle.js ! -name package.json ! -name 'LICENSE*' ! -name NOTICE -delete

FROM node:24-alpine
# Makes the server refuse what is only good for trying things out: no Redis, plain http.
ENV NODE_ENV=production
# Where METRICS_PORT is set: a container is reached from outside, and only at ports that are published or routed to.
ENV METRICS_HOST=0.0.0.0
WORKDIR /app
# package.json says that the files in dist are ES modules.
COPY package.json ./
COPY --from=modules /app/node_modules ./node_modules
COPY --from=build /app/dist ./dist
COPY public ./public
# The sandbox's page, where it lies in the sources.
COPY src/sandbox/public ./src/sandbox/public
# The contract, for `/openapi.json` and `/docs`.
COPY openapi.yaml ./
# Where the `type` of every error answer leads.
COPY docs/errors.md ./docs/errors.md
# A named volume mounted here takes over the owner, so docker-compose.yml can keep its keys in one.
RUN mkdir /setup && chown node:node /setup
# Nothing in /app belongs to this user: the server cannot change its own code.
USER node
EXPOSE 3000
# 127.0.0.1 rather than localhost, which may mean ::1 where the container has no IPv6.
HEALTHCHECK --interval=10s --timeout=3s --start-period=10s \
  CMD ["node", "-e", "fetch(`http://127.0.0.1:${process.env.PORT || 3000}/healthz`).then((r) => process.exit(r.ok ? 0 : 1), () => process.exit(1))"]
CMD ["node", "dist/main.js"]
