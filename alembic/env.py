"""Runs the migrations over the connection that the service hands in."""

from alembic import context

from service.access import models as access_models  # noqa: F401 Its tables join the metadata.
from service.automation import models as automation_models  # noqa: F401 Its tables join the metadata.
from service.core import idempotency  # noqa: F401 Its table joins the metadata.
from service.core.history import metadata
from service.exchange import models as exchange_models  # noqa: F401 Its table joins the metadata.
from service.outcomes import models as outcome_models  # noqa: F401 Its tables join the metadata.
from service.plan import models as plan_models  # noqa: F401 Its tables join the metadata.
from service.reporting import models as reporting_models  # noqa: F401 Its tables join the metadata.

connection = context.config.attributes["connection"]
context.configure(connection=connection, target_metadata=metadata, render_as_batch=connection.dialect.name == "sqlite")
with context.begin_transaction():
    context.run_migrations()
