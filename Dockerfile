# An image with durableflow and the examples; docker-compose.yml uses it for `migrate` and `worker`.
FROM python:3.13-slim

RUN useradd --create-home durableflow
WORKDIR /app
COPY pyproject.toml README.md LICENSE ./
COPY durableflow durableflow
RUN pip install --no-cache-dir .
COPY examples examples
# A directory for what the examples write; a named volume that is mounted here gets the same owner.
RUN mkdir /data && chown durableflow /data
USER durableflow
ENTRYPOINT ["durableflow"]
