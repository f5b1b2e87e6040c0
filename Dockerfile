FROM node:24-bookworm-slim AS node

FROM python:3.11-slim-bookworm AS build
COPY --from=node /usr/local /node
ENV PATH=/node/bin:$PATH
WORKDIR /source
RUN python -m venv /program
COPY pyproject.toml README.md LICENSE ./
COPY graphql-schema graphql-schema
COPY workers workers
COPY app app
# Builds the bundles of the dashboard and of GraphiQL, too.
RUN /program/bin/pip install --no-cache-dir .

FROM python:3.11-slim-bookworm
COPY --from=build /program /program
RUN useradd --system --uid 10001 segments
USER 10001
WORKDIR /tmp
ENV PATH=/program/bin:$PATH SEGMENTS_LOG_FORMAT=json
ENTRYPOINT ["segments"]
CMD ["--help"]
