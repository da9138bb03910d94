"""Alembic's batch mode: each table is built anew beside the old one in the live file, filled, and renamed."""

from __future__ import annotations

from pathlib import Path

from hotmig.bench.contenders import PATIENCE_SECONDS, Job

CHANGES = ("rebuild",)
NEEDS = ("alembic", "sqlalchemy")


def run(job: Job) -> Path:
    import sqlalchemy as sa
    from alembic.migration import MigrationContext
    from alembic.operations import Operations

    engine = sa.create_engine(f"sqlite:///{job.database}", connect_args={"timeout": PATIENCE_SECONDS})
    with engine.begin() as connection:
        op = Operations(MigrationContext.configure(connection))
        for table in job.new:
            loose = table.own[table.loose]
            with op.batch_alter_table(table.name, recreate="always") as batch:
                batch.alter_column(loose.name, type_=sa.REAL(), nullable=False)
                batch.create_check_constraint(f"ck_{table.name}_{loose.name}", sa.text(loose.check or "1"))
    engine.dispose()
    return job.database
