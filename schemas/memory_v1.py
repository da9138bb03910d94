"""What assistants remember of projects, as it grew: one project stands under several names.

Columns ``project`` hold a name, not a key.
"""

from typing import Annotated, Literal

from hotmig.schema import Key, References, Unique, table

database = "memory"

Status = Literal["active", "superseded", "invalid"]


@table("projects")
class Project:
    id: Annotated[str, Key]
    name: Annotated[str, Unique]
    description: str | None = None


@table("project_state", unique=[("project_id", "category", "key")])
class ProjectState:
    id: Annotated[str, Key]
    project: Annotated[Project, References(on_delete="CASCADE")]
    category: str
    key: str
    value: str
    status: Status = "active"
    updated_at: str


@table("memories")
class Memory:
    id: Annotated[str, Key]
    memory_type: str
    content: str
    project: str | None = None
    status: Status = "active"
    updated_at: str


@table("interactions")
class Interaction:
    id: Annotated[str, Key]
    project: str | None = None
    summary: str
