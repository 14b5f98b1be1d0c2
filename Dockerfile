# Two stages: the wheel and its dependencies are installed by a stage that may need a compiler, and copied into one that has none.
ARG BASE=docker.io/library/python:3.12-slim-bookworm

FROM ${BASE} AS build
# Which sources this image can read: aws, azure, kubernetes, ldap; "all" for every one.
ARG EXTRAS=all
WORKDIR /src
COPY setup.cfg pyproject.toml README.md LICENSE ./
COPY supervisor supervisor
COPY providers providers
COPY worker worker
COPY api api
RUN python3 -m venv /opt/elder \
 && /opt/elder/bin/pip install --no-cache-dir --disable-pip-version-check ".[${EXTRAS}]" \
 && find /opt/elder -name '__pycache__' -prune -exec rm -rf {} +

FROM ${BASE}
LABEL org.opencontainers.image.title="Elder Worker" org.opencontainers.image.licenses="Apache-2.0"
ENV PATH=/opt/elder/bin:$PATH PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1 ELDER_API_HOST=0.0.0.0
COPY --from=build /opt/elder /opt/elder
COPY deploy/test_connectivity.py /app/apps/worker/test_connectivity.py
RUN mkdir -p /app/credentials /var/run/secrets/elder \
 && useradd --system --uid 10001 --home-dir /app --shell /usr/sbin/nologin elder
WORKDIR /app
USER 10001
EXPOSE 8000 5000
HEALTHCHECK --interval=15s --timeout=5s --start-period=20s \
  CMD ["python3", "-c", "import urllib.request as r; r.urlopen('http://127.0.0.1:8000/healthz', timeout=4)"]
# The exec form: the supervisor is PID 1, gets SIGTERM itself, and reaps what is orphaned.
CMD ["elder-worker", "run"]
