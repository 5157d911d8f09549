# The service and nothing else: one stage makes the environment, the other carries it. Code belongs to root, the process to vidhuk.
FROM python:3.13-slim AS build
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1
WORKDIR /srv/vidhuk
RUN python -m venv .venv
COPY requirements/run.txt requirements/run.txt
RUN .venv/bin/pip install --require-hashes -r requirements/run.txt
COPY feedback_service feedback_service
COPY kiosk_ui kiosk_ui
COPY migrations migrations
COPY wsgi.py gunicorn.conf.py ./
RUN .venv/bin/pybabel -q compile -d kiosk_ui/translations \
 && .venv/bin/python -m compileall -q feedback_service kiosk_ui migrations wsgi.py

FROM python:3.13-slim
ENV PATH=/srv/vidhuk/.venv/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    HOST=0.0.0.0 \
    PORT=8000 \
    DATA_DIR=/var/lib/vidhuk
RUN useradd --system --uid 10001 --home-dir /var/lib/vidhuk --create-home vidhuk
COPY --from=build /srv/vidhuk /srv/vidhuk
WORKDIR /srv/vidhuk
USER vidhuk
VOLUME /var/lib/vidhuk
EXPOSE 8000
HEALTHCHECK --interval=10s --timeout=3s --start-period=20s --retries=3 \
  CMD ["python", "-c", "import os, urllib.request as u; u.urlopen(f'http://127.0.0.1:{os.environ[\"PORT\"]}/healthz', timeout=2)"]
# Migrations are a step of the roll-out, not of every start: docker run … flask --app wsgi db upgrade
CMD ["gunicorn", "-c", "gunicorn.conf.py", "wsgi:app"]
