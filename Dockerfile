# One image with all commands: `silent-auth serve` starts by default, `silent-auth --help` lists the others.
#
# Node 24, because Express sets the prototype of each request and response, which is slow before it. Alpine, because it brings the least that
# could need a patch: busybox, OpenSSL's roots and musl, where the slim Debian image brings some eighty packages. No package that we use is
# compiled, so it is the same to them. Distroless would save the shell as well, and its `node` is not on the path.
#
# By its tag, so that building again takes the patches of Node and Alpine. Packages are those of the lock file either way; where a build has
# to be the same to the last byte, name a digest: --build-arg NODE_IMAGE=node:24-alpine@sha256:…
ARG NODE_IMAGE=node:24-alpine

# What is made here runs on every platform, so it is made on that of the builder.
FROM --platform=$BUILDPLATFORM ${NODE_IMAGE} AS build
WORKDIR /app
# The lists of packages come first: while they stay the same, so does the layer with the packages.
COPY package.json package-lock.json ./
RUN npm ci --ignore-scripts
COPY tsconfig.json tsconfig.build.json ./
COPY src ./src
COPY client ./client
RUN npm run build

# A stage of its own, so that neither compiler nor tests come near the final image.
FROM --platform=$BUILDPLATFORM ${NODE_IMAGE} AS modules
WORKDIR /app
COPY package.json package-lock.json ./
RUN npm ci --omit=dev --ignore-scripts
# What packages bring for those who develop with them: types and source maps, more than a third of it all.
RUN find node_modules -type f \( -name '*.map' -o -name '*.d.ts' -o -name '*.d.mts' -o -name '*.d.cts' \) -delete
# Of the viewer of the contract, what `/docs` is made of: 2 of its 12 MB.
RUN cd node_modules/swagger-ui-dist && find . -type f ! -name swagger-ui.css ! -name swagger-ui-bundle.js ! -name package.json ! -name 'LICENSE*' ! -name NOTICE -delete

FROM ${NODE_IMAGE}
LABEL org.opencontainers.image.title="silent-auth-bff" \
      org.opencontainers.image.description="Backend-for-frontend for phone-number login without codes, on Vonage's Network APIs" \
      org.opencontainers.image.version="0.1.0" \
      org.opencontainers.image.licenses="MIT"
# Nobody installs anything here: without npm, yarn and corepack there are fewer packages to be patched.
RUN rm -rf /usr/local/lib/node_modules /usr/local/bin/npm /usr/local/bin/npx /usr/local/bin/corepack /usr/local/bin/yarn* /opt/yarn*
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
# The bin of package.json, which npm would link.
RUN chmod +x dist/tools/cli.js && ln -s /app/dist/tools/cli.js /usr/local/bin/silent-auth
# A named volume mounted here takes over the owner, so docker-compose.yml can keep its keys in one.
RUN mkdir /setup && chown node:node /setup
# The user `node`, by its number, as Kubernetes' runAsNonRoot wants it. Nothing in /app belongs to it: the server cannot change its own
# code. It writes no file at all, so the root filesystem may be read-only.
USER 1000:1000
EXPOSE 3000
# Requests under way are given ten seconds (docs/production.md, "Upgrades").
STOPSIGNAL SIGTERM
# 127.0.0.1 rather than localhost, which may mean ::1 where the container has no IPv6.
HEALTHCHECK --interval=10s --timeout=3s --start-period=10s \
  CMD ["node", "-e", "fetch(`http://127.0.0.1:${process.env.PORT || 3000}/healthz`).then((r) => process.exit(r.ok ? 0 : 1), () => process.exit(1))"]
CMD ["silent-auth", "serve"]
