# One image with all commands: `silent-auth serve` starts by default, `silent-auth --help` lists the others.
#
# Node 24, because Express sets the prototype of each request and response, which is slow in older versions. Alpine, because it
# has the fewest packages that could need a patch: busybox, the CA certificates and musl, where the slim Debian image has about
# eighty. None of our packages is compiled, so they run on musl unchanged. Distroless also has no shell, but its `node` is not on
# the path.
#
# The image is named by its tag, so that a rebuild takes the patches of Node and Alpine. Packages come from the lock file in any
# case. For byte-identical builds name a digest: --build-arg NODE_IMAGE=node:24-alpine@sha256:…
ARG NODE_IMAGE=node:24-alpine

# The result of this stage runs on every platform, so it is built on the platform of the builder.
FROM --platform=$BUILDPLATFORM ${NODE_IMAGE} AS build
WORKDIR /app
# The package lists come first: while they do not change, the layer with the packages is cached.
COPY package.json package-lock.json ./
RUN npm ci --ignore-scripts
COPY tsconfig.json tsconfig.build.json ./
COPY src ./src
COPY client ./client
COPY public ./public
RUN npm run build

# A separate stage, so that the final image contains neither compiler nor tests.
FROM --platform=$BUILDPLATFORM ${NODE_IMAGE} AS modules
WORKDIR /app
COPY package.json package-lock.json ./
RUN npm ci --omit=dev --ignore-scripts
# The packages for traces, which are optional for other users of the package.
COPY --from=build /app/node_modules/@opentelemetry ./node_modules/@opentelemetry
# Types and source maps, which only development needs: more than a third of the packages.
RUN find node_modules -type f \( -name '*.map' -o -name '*.d.ts' -o -name '*.d.mts' -o -name '*.d.cts' \) -delete

FROM ${NODE_IMAGE}
LABEL org.opencontainers.image.title="silent-auth-bff" \
      org.opencontainers.image.description="Backend-for-frontend for phone-number login without codes, on Vonage's Network APIs" \
      org.opencontainers.image.version="0.1.0" \
      org.opencontainers.image.licenses="MIT"
# The image installs nothing, so npm, yarn and corepack would only be more packages to patch.
RUN rm -rf /usr/local/lib/node_modules /usr/local/bin/npm /usr/local/bin/npx /usr/local/bin/corepack /usr/local/bin/yarn* /opt/yarn*
# Makes the server refuse settings that are only for development: no Redis, plain http.
ENV NODE_ENV=production
# Keeps the resident memory below 256 MB with 256 logins under way, for a tenth more CPU time (docs/performance.md).
ENV NODE_OPTIONS="--max-semi-space-size=32 --max-old-space-size=192"
# For METRICS_PORT: a container is reached from outside, and only on published or routed ports.
ENV METRICS_HOST=0.0.0.0
WORKDIR /app
# package.json declares that the files in dist are ES modules.
COPY package.json ./
COPY --from=modules /app/node_modules ./node_modules
COPY --from=build /app/dist ./dist
COPY public ./public
# The sandbox's page, at the same path as in the sources.
COPY src/sandbox/public ./src/sandbox/public
# The contract, for `/openapi.json` and `/docs`.
COPY openapi.yaml ./
# The target of the `type` of every error.
COPY docs/errors.md ./docs/errors.md
# The bin of package.json, which npm would link.
RUN chmod +x dist/tools/cli.js && ln -s /app/dist/tools/cli.js /usr/local/bin/silent-auth
# A named volume mounted here inherits the owner, so docker-compose.yml can keep its keys in one.
RUN mkdir /setup && chown node:node /setup
# The user `node`, by its number, as Kubernetes' runAsNonRoot requires. It owns nothing in /app, so the server cannot change its
# own code. The server writes no file, so the root filesystem may be read-only.
USER 1000:1000
EXPOSE 3000
# On this signal running requests have ten seconds to finish (docs/production.md, "Upgrades").
STOPSIGNAL SIGTERM
# 127.0.0.1 and not localhost, which may resolve to ::1 in a container without IPv6.
HEALTHCHECK --interval=10s --timeout=3s --start-period=10s \
  CMD ["node", "-e", "fetch(`http://127.0.0.1:${process.env.PORT || 3000}/healthz`).then((r) => process.exit(r.ok ? 0 : 1), () => process.exit(1))"]
CMD ["silent-auth", "serve"]
