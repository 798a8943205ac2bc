# The service as one small image. It never migrates by itself: several replicas would start at once, so run
# `tracker migrate` once, before them (compose.yaml shows how).

FROM python:3.13-slim AS build

ENV PIP_DISABLE_PIP_VERSION_CHECK=1 \
    PIP_NO_CACHE_DIR=1 \
    PIP_ROOT_USER_ACTION=ignore

WORKDIR /app
RUN python -m venv /opt/venv
ENV PATH=/opt/venv/bin:$PATH

# The dependencies come first, so that a change of the code leaves this layer as it was.
COPY requirements/runtime.txt requirements/build.txt requirements/
RUN pip install --require-hashes -r requirements/runtime.txt -r requirements/build.txt

# The project is installed where it lies: the migrations stay in the folder beside the code. What only installs is
# taken out again, and bytecode is made now, because the service may not write here.
COPY pyproject.toml LICENSE ./
COPY alembic alembic
COPY service service
RUN pip install --no-deps --no-build-isolation -e . \
    && pip uninstall --yes setuptools pip \
    && python -m compileall -q --invalidation-mode unchecked-hash service


FROM python:3.13-slim

# The number is fixed, so that a volume's files keep their owner from one image to the next.
RUN groupadd --system --gid 10001 tracker \
    && useradd --system --uid 10001 --gid tracker --home-dir /data --shell /usr/sbin/nologin tracker \
    && install --directory --owner tracker --group tracker --mode 0750 /data

COPY --from=build /opt/venv /opt/venv
COPY --from=build /app /app

ENV PATH=/opt/venv/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    TRACKER_DATA_DIR=/data

WORKDIR /app
USER 10001:10001
VOLUME /data
EXPOSE 8000

HEALTHCHECK --interval=15s --timeout=5s --start-period=20s --retries=3 \
    CMD ["python", "-c", "from urllib.request import urlopen; urlopen('http://127.0.0.1:8000/livez', timeout=3)"]

# No shell stands in between, so the service itself gets SIGTERM and finishes the requests in flight.
CMD ["tracker", "serve", "--host", "0.0.0.0", "--port", "8000"]
