FROM python:3.11-slim-bookworm AS build
RUN apt-get update && apt-get install --yes --no-install-recommends npm
COPY . /source
WORKDIR /source
RUN python -m venv /program && /program/bin/pip install --no-cache-dir .
RUN /program/bin/python -P -m app.graphiql.build

FROM python:3.11-slim-bookworm
COPY --from=build /program /program
RUN useradd --system segments
USER segments
WORKDIR /tmp
ENV PATH=/program/bin:$PATH SEGMENTS_LOG_FORMAT=json
ENTRYPOINT ["segments"]
CMD ["--help"]
