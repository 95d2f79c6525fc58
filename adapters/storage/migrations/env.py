"""Run by alembic: applies the migrations on the connection that `adapters.storage.migrate` hands over."""

from alembic import context

from adapters.storage.tables import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    render_as_batch=True,  # SQLite alters a table by writing a new one
)
with context.begin_transaction():
    context.run_migrations()
