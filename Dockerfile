# The same commit, base and epoch give the same bytes, whoever builds it, when and where: docs/operations.md, "The image".
# Two stages: one has pip, downloads what deploy/requirements.lock names and checks every hash; the other has neither pip nor a compiler.
ARG BASE=docker.io/library/python:3.12-slim-bookworm
# Of that image (sha256:...): with it, every build has the same base, whatever the tag has become.
ARG BASE_DIGEST=

FROM ${BASE}${BASE_DIGEST:+@}${BASE_DIGEST} AS build
# Seconds of the commit: what would be the time of the build is this one.
ARG SOURCE_DATE_EPOCH
# Which sources this image can read, and psycopg2 for those who look at the database by hand: names of setup.cfg's extras, as metadata
# spell them (google-workspace), which the pip of Debian 12 takes in no other way. Empty: none.
ARG EXTRAS=all,psycopg2
WORKDIR /src
COPY deploy/requirements.lock ./
RUN python3 -m venv /opt/pip \
 && /opt/pip/bin/pip download --disable-pip-version-check --no-cache-dir -q --no-deps --require-hashes -r requirements.lock -d /wheels
# The dependencies first, in a layer of their own: a change of ours does not install them again.
COPY setup.cfg pyproject.toml README.md LICENSE ./
COPY worker/version.py worker/version.py
# hadolint ignore=DL4006
RUN python3 -m venv --without-pip /opt/elder \
 && /opt/pip/bin/pip --python /opt/elder/bin/python install --no-cache-dir -q --no-compile --no-index --find-links /wheels ".${EXTRAS:+[$(echo "$EXTRAS" | tr _ -)]}" \
 && /opt/elder/bin/python -m compileall -q -j 0 --invalidation-mode unchecked-hash /opt/elder/lib
COPY deploy/licences.py deploy/bill.py /opt/elder/bill/
COPY supervisor supervisor
COPY providers providers
COPY worker worker
COPY api api
COPY docs/man docs/man
# Byte code goes with it, as nothing can be written later: without it each job would compile its SDK anew.
RUN /opt/pip/bin/pip --python /opt/elder/bin/python install \
      --no-cache-dir -q --no-compile --no-index --find-links /wheels --no-deps --force-reinstall . \
 && /opt/elder/bin/python -m compileall -q -j 0 --invalidation-mode unchecked-hash /opt/elder/lib \
 && /opt/pip/bin/pip --python /opt/elder/bin/python inspect >inspected.json \
 && /opt/elder/bin/python -c "import json; found = sorted(json.load(open('inspected.json'))['installed'], key=lambda one: one['metadata']['name']); \
      json.dump({'installed': found}, open('/opt/elder/packages.json', 'w'), indent=1)" \
 && /opt/elder/bin/python /opt/elder/bill/licences.py >/opt/elder/LICENSES.txt
# What the quick start names, with the same modes whatever the umask of the checkout was.
COPY deploy/app /files
COPY README.md CHANGELOG.md .env.example deploy/test_connectivity.py /files/apps/worker/
COPY docs /files/apps/worker/docs
RUN chmod -R u=rwX,go=rX /files /opt/elder

FROM ${BASE}${BASE_DIGEST:+@}${BASE_DIGEST}
ARG SOURCE_DATE_EPOCH
# Of the release that this is: VERSION and REVISION, the commit.
ARG VERSION=unreleased
ARG REVISION=unknown
LABEL org.opencontainers.image.title="Elder Worker" \
      org.opencontainers.image.description="Keeps an inventory of clouds and directories true" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}"
ENV PATH=/opt/elder/bin:$PATH PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1 ELDER_API_HOST=0.0.0.0 HOME=/app
# curl, as the quick start looks around with it; it is the base's own when that has one.
# hadolint ignore=DL3008
RUN { command -v curl || { apt-get update && apt-get install -y --no-install-recommends curl \
        && rm -rf /var/lib/apt/lists/* /var/log/apt /var/log/*.log /var/cache/ldconfig/aux-cache /var/cache/debconf/*-old /var/lib/dpkg/*-old; }; } \
 && find / -xdev -type f -perm /6000 -exec chmod a-s {} + \
 && mkdir -p /app/credentials /var/run/secrets/elder \
 && useradd --system --uid 10001 --home-dir /app --no-create-home --shell /usr/sbin/nologin elder \
 && rm -f /etc/passwd- /etc/shadow- /etc/group- /etc/gshadow-
COPY --from=build /opt/elder /opt/elder
COPY --from=build /files /app
RUN python3 /opt/elder/bill/bill.py >/opt/elder/sbom.json && chmod 644 /opt/elder/sbom.json
WORKDIR /app
USER 10001
EXPOSE 8000 5000
HEALTHCHECK --interval=15s --timeout=5s --start-period=20s \
  CMD ["python3", "-c", "import urllib.request as r; r.urlopen('http://127.0.0.1:8000/healthz', timeout=4)"]
# The exec form: the supervisor is PID 1, gets SIGTERM itself, and reaps what is orphaned.
CMD ["elder-worker", "run"]
