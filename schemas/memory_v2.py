"""The same with one name for each project, as the registry beside this module says.

A project that stands under an alias becomes one with the canonical one, which is made where it is missing. What was
known under both names is known once: the active value wins, two active ones that differ have to be settled by hand.
Memories that become equal stay, the older ones superseded.
"""

from typing import Annotated, Literal

from hotmig.schema import Duplicates, Index, Key, Mapped, Merge, References, Unique, from_json, table

database = "memory"

Status = Literal["active", "superseded", "invalid"]
NAMES = from_json("project-registry.json", items="projects", canonical="id", aliases="aliases")


@table(
    "projects",
    merge=Merge(
        by="name",
        mapping=NAMES,
        fold_case=True,
        create={"id": "lower(hex(randomblob(16)))", "description": "'made of its aliases'"},
        touch={"updated_at": "strftime('%Y-%m-%dT%H:%M:%SZ', 'now')"},  # of what is known about it
    ),
)
class Project:
    id: Annotated[str, Key]
    name: Annotated[str, Unique]
    description: str | None = None


@table(
    "project_state",
    unique=[("project_id", "category", "key")],
    duplicates=Duplicates(
        key=("project_id", "category", "key"),
        compare="value",
        prefer="status = 'active' DESC, _canonical DESC, updated_at DESC, id",
        collide="status = 'active'",
    ),
)
class ProjectState:
    id: Annotated[str, Key]
    project: Annotated[Project, References(on_delete="CASCADE")]
    category: str
    key: str
    value: str
    status: Status = "active"
    updated_at: str


@table(
    "memories",
    duplicates=Duplicates(
        key=("memory_type", "content", "project", "status"),
        compare=(),
        prefer="updated_at DESC, _canonical DESC, id",
        equal="keep",
        losers={"status": "'superseded'"},
    ),
)
class Memory:
    id: Annotated[str, Key]
    memory_type: str
    content: str
    project: Annotated[str | None, Mapped(NAMES, fold_case=True)] = None
    status: Status = "active"
    updated_at: str


@table("interactions")
class Interaction:
    id: Annotated[str, Key]
    project: Annotated[str | None, Index, Mapped(NAMES, fold_case=True)] = None
    summary: str
