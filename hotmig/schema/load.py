"""A schema module's file as a Schema: run, compiled, and judged by SQLite in memory."""

from __future__ import annotations

import inspect
from collections.abc import Iterable, Sequence
from pathlib import Path

from hotmig.catalog.fingerprint import canonical, digest
from hotmig.catalog.lexer import normalise
from hotmig.catalog.model import Catalog, Table
from hotmig.catalog.read import read_catalog
from hotmig.errors import HotmigError, SchemaError
from hotmig.schema.columns import Columns, ColumnSpec
from hotmig.schema.compile import TableSpec, compile_tables
from hotmig.schema.data_migrations import adopted_marks, data_migrations
from hotmig.schema.declare import Registry, Statement, TableDeclaration
from hotmig.schema.fields import is_auto
from hotmig.schema.group_rules import GroupRules, mapping_of, require_no_seeds
from hotmig.schema.judge import Judge, Prepare
from hotmig.schema.model import (
    ColumnRules,
    Dropped,
    DuplicatesRule,
    MergeRule,
    Place,
    ReplayTrigger,
    Schema,
    TableRules,
    ValueMap,
)
from hotmig.schema.modules import Running, running
from hotmig.schema.places import Sources, Spot, wrong
from hotmig.schema.rowlocal import check_row_local
from hotmig.schema.seeds import Seed, Seeder, collect
from hotmig.schema.views import ViewSpec, compile_view
from hotmig.sqlite import fold


def load(file: Path, *, prepare: Prepare | None = None) -> Schema:
    """Runs the module and compiles what it declares; nothing is written anywhere.

    ``prepare`` gets each connection in memory first, to load the extensions whose functions the schema uses.
    Raises SchemaError for every mistake in the module: one line with file and line number, and how to mend it.
    """
    with running(file) as module:
        judge = Judge(prepare)
        try:
            return _Loading(file, module, judge).load()
        except SchemaError:
            raise
        except HotmigError as error:
            raise wrong(Spot(str(file), 1), error.message, error.hint or "correct the SQL") from error
        finally:
            judge.close()


class _Loading:
    """One load, from declarations to the Schema."""

    def __init__(self, file: Path, module: Running, judge: Judge) -> None:
        self.file = file
        self.module = module
        self.registry: Registry = module.registry
        self.judge = judge
        self.sources = Sources()
        self.columns = Columns(self.registry, self.sources)

    def load(self) -> Schema:
        """Tables, their indexes and seed rows, then what may refer to them: views and triggers."""
        self._check_classes()
        specs = compile_tables(self.registry.tables, self.columns)
        for spec in specs:
            self.judge.create_table(spec)
        for spec in specs:
            for index in spec.indexes:
                self.judge.create_index(spec, index)
        tables = read_catalog(self.judge.db)
        for spec in specs:
            self._check_table(spec, _table(tables, spec.name))
        rules = self._rules(specs, tables)
        virtual = [self.judge.create_virtual_table(statement) for statement in self.registry.statements]
        views = self._views(tables)
        triggers = self._triggers()
        catalog = read_catalog(self.judge.db)
        numbered = data_migrations(self.registry)
        return Schema(
            file=self.file,
            name=self._name(),
            catalog=catalog,
            tables=rules,
            dropped=self._dropped(),
            replay_triggers=tuple(
                ReplayTrigger(name, _place(statement.spot)) for name, statement in triggers if statement.on_replay
            ),
            create_tables=tuple(spec.create for spec in specs),
            create_indexes=tuple((spec.name, index.sql) for spec in specs for index in spec.indexes),
            create_virtual_tables=tuple(self.judge.text_of("table", name) for name in virtual),
            create_views=tuple(self.judge.text_of("view", view.declaration.name) for view in views),
            create_triggers=tuple(self.judge.text_of("trigger", name) for name, _ in triggers),
            hash=schema_hash(catalog, rules, (each.name for each in numbered)),
            plain_classes=self._plain_classes(),
            data_migrations=numbered,
            adopted=adopted_marks(self.registry),
            rows_hash=schema_hash(catalog, rules),
        )

    def _check_classes(self) -> None:
        """``@dataclass(slots=True)`` above @table makes a second class: the one in use is not the declared one."""
        for declaration in self.registry.tables:
            for module in self.module.modules:
                there = vars(module).get(declaration.cls.__name__)
                same = isinstance(there, type) and vars(there).get("__hotmig_table__") is declaration
                if same and there is not declaration.cls:
                    raise wrong(
                        declaration.spot,
                        f"@dataclass(slots=True) stands above the @table of {declaration.cls.__name__},"
                        " and makes another class of it",
                        "put @table on top, above @dataclass",
                    )

    def _plain_classes(self) -> tuple[str, ...]:
        """The names of the module's classes that have fields and are no table, no view and no base of one."""
        declared = [table.cls for table in self.registry.tables] + [view.cls for view in self.registry.views]
        known = {base for cls in declared for base in cls.__mro__}
        own = [each for each in vars(self.module.modules[0]).values() if isinstance(each, type) and each not in known]
        here = [cls for cls in own if cls.__module__ == self.module.modules[0].__name__]
        return tuple(cls.__name__ for cls in here if inspect.get_annotations(cls))

    def _check_table(self, spec: TableSpec, table: Table) -> None:
        """What only the catalog can tell: whether SQLite understood what was meant."""
        for declared, column in zip(spec.columns, table.columns, strict=True):
            spot = declared.field.spot
            if fold(" ".join(declared.type.split())) != fold(" ".join(column.type.split())):
                raise wrong(
                    spot, f"ColumnType({declared.type!r}) is no type alone", "use the markers for everything else"
                )
            filled = not column.not_null or column.default is not None or column.generated is not None
            if is_auto(declared.field) and not filled and table.rowid_alias != column.name:
                raise wrong(
                    spot,
                    f"{declared.field.name} = auto(): nothing fills {column.name}, which is NOT NULL",
                    "add Default(sql=…), or leave = auto() out",
                )
        for reference in spec.references:
            self.judge.check_reference(reference.parent, reference.columns, spec.name, reference.spot)

    def _rules(self, specs: Sequence[TableSpec], tables: Catalog) -> tuple[TableRules, ...]:
        seeds = collect(self.registry, self.module.modules)
        seeder = Seeder(self.judge.db, self.registry, self.columns)
        return tuple(self._table_rules(spec, tables, seeder, seeds) for spec in specs)

    def _table_rules(self, spec: TableSpec, tables: Catalog, seeder: Seeder, seeds: Sequence[Seed]) -> TableRules:
        table = _table(tables, spec.name)
        for column in spec.columns:
            if column.origin.source is not None:
                check_row_local(self.judge.db, column.origin.source, column.field.spot)
        groups = GroupRules(self.judge.db, spec, table, tables)
        merge = groups.merge()
        rows = seeder.rows(spec, table, seeds)
        require_no_seeds(spec, rows)
        return TableRules(
            table=spec.name,
            class_name=spec.declaration.cls.__name__,
            place=self._place_of(spec.declaration),
            was=spec.declaration.was,
            columns=tuple(self._column_rules(column, spec.declaration, merge) for column in spec.columns),
            seeds=rows,
            duplicates=groups.duplicates(),
            merge=merge,
        )

    def _column_rules(self, column: ColumnSpec, table: TableDeclaration, merge: MergeRule | None) -> ColumnRules:
        declaration = self.sources.text_of_field(table.cls, column.field.name, table.spot)
        return ColumnRules(
            column=column.name,
            field=column.field.name,
            was=column.origin.was,
            source=column.origin.source,
            orphans=column.orphans,
            together=column.origin.together,
            mapping=mapping_of(column, merge),
            declaration=declaration,
        )

    def _views(self, tables: Catalog) -> list[ViewSpec]:
        views = [compile_view(view, tables, self.columns, self.sources) for view in self.registry.views]
        for view in views:
            self.judge.create_view(view)
        for view in views:
            if not view.declaration.unchecked:
                self.judge.check_view(view)
        return views

    def _triggers(self) -> list[tuple[str, Statement]]:
        triggers = [(self.judge.create_trigger(statement), statement) for statement in self.registry.triggers]
        self.judge.check_triggers(triggers)
        return triggers

    def _dropped(self) -> tuple[Dropped, ...]:
        for entry in self.registry.dropped:
            if not isinstance(entry.table, str) or not isinstance(entry.column, str | None):
                raise wrong(entry.spot, "dropped() takes names of the old database", 'write dropped("table", "column")')
        return tuple(Dropped(entry.table, entry.column, _place(entry.spot)) for entry in self.registry.dropped)

    def _place_of(self, declaration: TableDeclaration) -> Place:
        lines = self.sources.of_class(declaration.cls, declaration.spot)
        return Place(Path(declaration.spot.file), lines.line if lines else declaration.spot.line)

    def _name(self) -> str | None:
        """``database = "shop"`` of the module."""
        name = getattr(self.module.modules[0], "database", None)
        if name is not None and (not isinstance(name, str) or not name or "/" in name or name.startswith(".")):
            raise wrong(
                self.sources.of_assignment(str(self.file), "database"),
                f"database = {name!r} is no file name",
                'write the name without directory and ending: database = "shop"',
            )
        return name


def schema_hash(catalog: Catalog, tables: Iterable[TableRules], data_migrations: Iterable[str] = ()) -> str:
    """16 hex digits for what the new database will be: catalog, seed rows, rules for the data, data migrations by name.

    Where things stand in the module, Was and dropped are not in it: they say where data comes from, not what it is.
    """
    parts = [repr(("data migration", name)) for name in data_migrations]
    for table in tables:
        for seed in table.seeds:
            pairs = sorted((name, repr(value)) for name, value in zip(seed.columns, seed.values, strict=True))
            parts.append(repr(("seed", table.table, pairs, seed.if_absent)))
        for column in table.columns:
            if column.source is not None:
                parts.append(repr(("from", table.table, column.column, normalise(column.source))))
            if column.orphans != "refuse":
                parts.append(repr(("orphans", table.table, column.column, column.orphans)))
            if column.mapping is not None:
                parts.append(_mapping(table.table, column.column, column.mapping))
        if table.duplicates is not None:
            parts.append(repr(("duplicates", table.table, *_duplicates(table.duplicates))))
        if table.merge is not None:
            merge = table.merge
            sets = (None if merge.create is None else _sets(merge.create), _sets(merge.touch))
            # What it maps is among the columns.
            parts.append(repr(("merge", table.table, merge.by, *sets)))
    return digest(canonical(catalog), *sorted(parts))


def _mapping(table: str, column: str, mapping: ValueMap) -> str:
    return repr(("mapped", table, column, mapping.fold_case, digest(repr(mapping.pairs))))


def _duplicates(rule: DuplicatesRule) -> tuple[object, ...]:
    prefer = [(normalise(term.expression), term.direction) for term in rule.prefer]
    collide = None if rule.collide is None else normalise(rule.collide)
    losers = None if rule.losers is None else _sets(rule.losers)
    return sorted(rule.key), sorted(rule.compare), prefer, collide, rule.equal, losers


def _sets(pairs: Iterable[tuple[str, str]]) -> list[tuple[str, str]]:
    return sorted((name, normalise(sql)) for name, sql in pairs)


def _table(catalog: Catalog, name: str) -> Table:
    table = catalog.table(name)
    assert table is not None, f"{name} was created and is not in the catalog"
    return table


def _place(spot: Spot) -> Place:
    return Place(Path(spot.file), spot.line)
