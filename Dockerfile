# forsund in a container. It listens on all addresses inside, and serves nobody beyond its own loopback
# until FORSUN_TRUST_NETWORK names the networks to trust: see docker-compose.yml.
FROM node:22-slim AS build
WORKDIR /forsun
COPY package.json package-lock.json ./
RUN npm ci
COPY tsconfig.json tsconfig.build.json ./
COPY gen-nodejs gen-nodejs
COPY src src
RUN npm run build && npm prune --omit=dev

FROM node:22-slim
ENV NODE_ENV=production PATH=/forsun/bin:$PATH
WORKDIR /forsun
COPY package.json forsun.thrift ./
COPY bin bin
COPY gen-nodejs gen-nodejs
COPY --from=build /forsun/node_modules node_modules
COPY --from=build /forsun/dist dist
RUN install -d -o node -g node -m 0700 data
USER node
VOLUME /forsun/data
EXPOSE 6458
HEALTHCHECK --interval=30s --timeout=5s --start-period=30s CMD ["docker-entrypoint", "health"]
# Shell actions may leave orphans behind: run with an init that collects them (docker run --init).
ENTRYPOINT ["docker-entrypoint"]
