# The image of a worker. It has no shell tricks: a virtual environment, and a user without rights.
#
# The base is pinned by the digest of its index of platforms. To renew it, put in what this prints:
#   docker buildx imagetools inspect python:3.11-slim-bookworm --format '{{.Manifest.Digest}}'
# Without a registry: --build-arg BASE=… names any Debian with python3 (3.11.5 or newer), python3-venv and
# ca-certificates. Behind an authority of your own: --secret id=ca,src=… has the certificates that pip trusts.
ARG BASE=docker.io/library/python:3.11.16-slim-bookworm@sha256:a36c24f9cbdf4fd0f52d67f0823eeac19c2028c637cecc392d97f980d4fec56b

# hadolint ignore=DL3006  # the base is pinned above
FROM ${BASE} AS build
SHELL ["/bin/sh", "-eu", "-c"]
ARG PIP_INDEX_URL
ENV PIP_CERT=/etc/ssl/certs/ca-certificates.crt PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1 \
    PIP_NO_INPUT=1 PIP_PROGRESS_BAR=off PIP_ROOT_USER_ACTION=ignore

# binutils has `strip`. faust-streaming has wheels for x86-64 only: elsewhere its extensions are compiled here.
# hadolint ignore=DL3008  # none of it is in the image
RUN apt-get -q update; apt-get -q install -y --no-install-recommends binutils; \
    if [ "$(uname -m)" != x86_64 ]; then apt-get -q install -y --no-install-recommends gcc libc6-dev; fi

# The environment has no pip: another one installs into it.
WORKDIR /build
RUN python3 -m venv tools && python3 -m venv --without-pip /opt/dataflow
COPY requirements.lock requirements-build.lock requirements-sbom.lock ./
RUN --mount=type=secret,id=ca,target=/etc/ssl/certs/ca-certificates.crt \
    tools/bin/pip install -q --require-hashes -r requirements-build.lock \
    && tools/bin/pip --python /opt/dataflow/bin/python3 install -q --require-hashes -r requirements.lock \
    && python3 -m venv sbom \
    && sbom/bin/pip install -q --no-compile --require-hashes -r requirements-sbom.lock

# What optional parts need: any of opensearch, parquet and s3, separated by spaces.
ARG EXTRAS=""
COPY requirements-opensearch.lock requirements-parquet.lock requirements-s3.lock ./
RUN --mount=type=secret,id=ca,target=/etc/ssl/certs/ca-certificates.crt \
    for extra in ${EXTRAS}; do \
        tools/bin/pip --python /opt/dataflow/bin/python3 install -q --require-hashes -r "requirements-${extra}.lock"; \
    done

# The program, without its demo, which .dockerignore leaves out; and a list of all that is installed. Tests of
# packages and symbols for debuggers, 90 MB, stay here; libraries that came ready-made (*.libs) are as they were.
COPY . program
RUN tools/bin/pip wheel -q --no-deps --no-build-isolation --wheel-dir wheel ./program \
    && tools/bin/pip --python /opt/dataflow/bin/python3 install -q --no-deps --no-index wheel/*.whl \
    && sbom/bin/cyclonedx-py environment --output-reproducible --pyproject program/pyproject.toml \
        --output-file /opt/dataflow/sbom.cdx.json /opt/dataflow/bin/python3 \
    && find /opt/dataflow/lib -type d -name tests -prune -exec rm -r {} + \
    && find /opt/dataflow/lib -name '*.so' -not -path '*.libs/*' -exec strip --strip-debug {} +

# hadolint ignore=DL3006
FROM ${BASE}
ARG VERSION=""
ARG REVISION=""
LABEL org.opencontainers.image.title="Dataflow" \
      org.opencontainers.image.description="A worker that filters, enriches, counts and serves Kafka event streams, exactly once" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}"

RUN groupadd --gid 10001 dataflow \
    && useradd --uid 10001 --gid 10001 --no-create-home --home-dir /var/lib/dataflow --shell /usr/sbin/nologin dataflow \
    && install --directory --owner=10001 --group=10001 --mode=0700 /var/lib/dataflow
COPY --from=build /opt/dataflow /opt/dataflow

# Only DATAFLOW_DATA_DIR is written to. On an address that others reach, a worker starts once access is set up.
ENV PATH="/opt/dataflow/bin:${PATH}" \
    HOME=/var/lib/dataflow \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    DATAFLOW_DATA_DIR=/var/lib/dataflow \
    DATAFLOW_WEB_HOST=0.0.0.0
USER 10001:10001
WORKDIR /var/lib/dataflow
VOLUME ["/var/lib/dataflow"]
EXPOSE 6066

HEALTHCHECK --interval=30s --timeout=10s --start-period=2m CMD ["dataflow", "health"]
ENTRYPOINT ["dataflow"]
CMD ["worker"]
