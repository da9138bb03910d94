"""Views by joins along foreign keys, and what is said of views and triggers that do not hold."""

from __future__ import annotations

from .conftest import Load, Mistake, each_mistake

SCHOOL = """
@table
class Student:
    id: Annotated[int, Key] = auto()
    name: str
@table
class Course:
    id: Annotated[int, Key] = auto()
    student: Student
    title: str
@table("grades")
class CourseGrade:
    id: Annotated[int, Key] = auto()
    course: Course
    points: int
@table
class Twice:
    first: Course
    second: Course
"""


def view_sql(schema: Load, text: str) -> str:
    return schema(SCHOOL + text).create_views[0]


def test_joins_follow_the_foreign_keys(schema: Load) -> None:
    assert (
        view_sql(
            schema,
            """
@view(joins=[(Course, Student), (CourseGrade, Course)])
class Transcript:
    name: str
    title: str
    points: int
    student_id: int
    grades_id: int
    course_grade_points: int
    label: Annotated[str, From("upper(course.title) || name")]
    other: Annotated[str, Column("Any Name"), From("grades.points + 1")]
""",
        )
        == 'CREATE VIEW "transcript" AS SELECT "student"."name" AS "name", "course"."title" AS "title",'
        ' "grades"."points" AS "points", "course"."student_id" AS "student_id", "grades"."id" AS "grades_id",'
        ' "grades"."points" AS "course_grade_points", (upper(course.title) || name) AS "label",'
        ' (grades.points + 1) AS "Any Name"'
        ' FROM "course" JOIN "student" ON "course"."student_id" = "student"."id"'
        ' JOIN "grades" ON "grades"."course_id" = "course"."id"'
    )


def test_pairs_may_stand_in_any_order_and_either_way_round(schema: Load) -> None:
    assert view_sql(
        schema, "@view('t', joins=[(Student, Course), (Course, CourseGrade)])\nclass T:\n    points: int\n"
    ).endswith(
        'FROM "student" JOIN "course" ON "course"."student_id" = "student"."id"'
        ' JOIN "grades" ON "grades"."course_id" = "course"."id"'
    )


def test_composite_keys(schema: Load) -> None:
    sql = view_sql(
        schema,
        """
@table
class Room:
    house: Annotated[str, Key]
    number: Annotated[int, Key]
@table
class Bed:
    room: Room
    size: int
@view(joins=[(Bed, Room)])
class V:
    house: str
    size: int
""",
    )
    assert sql.endswith(
        'FROM "bed" JOIN "room" ON "bed"."room_house" = "room"."house" AND "bed"."room_number" = "room"."number"'
    )


def test_views_may_use_views_that_come_later(schema: Load) -> None:
    made = schema(
        SCHOOL
        + """
@view(sql="SELECT n FROM b")
class A:
    n: str
@view("b", sql="SELECT name AS n FROM student;")
class Other: ...
"""
    )
    assert [view.name for view in made.catalog.views] == ["a", "b"]


def test_a_view_with_a_list_of_columns_is_given_whole(schema: Load) -> None:
    made = schema(SCHOOL + "@view(sql='CREATE VIEW v(a, b) AS SELECT 1, 2')\nclass V:\n    a: int\n    b: int\n")
    assert made.create_views == ("CREATE VIEW v(a, b) AS SELECT 1, 2",)


MISTAKES = {
    "an unknown table": ("@view(sql='SELECT * FROM nope')  # <-\nclass V: ...", "view v: no such table", "correct"),
    "an unknown column": (
        "@view(sql='SELECT nope FROM student')  # <-\nclass V: ...",
        "no such column: nope",
        "correct",
    ),
    "no SELECT": ("@view(sql='SELEC 1')  # <-\nclass V: ...", 'near "SELEC": syntax error', "correct the SQL"),
    "an open quote": ('@view(sql="SELECT \'")  # <-\nclass V: ...', "cannot read SQL", "SQL text"),
    "another name": (
        "@view(sql='CREATE VIEW w AS SELECT 1')  # <-\nclass V: ...",
        "the SQL of view v creates w",
        '@view("w", sql=…)',
    ),
    "a temporary view": (
        "@view(sql='CREATE TEMP VIEW v AS SELECT 1')  # <-\nclass V: ...",
        "creates no view",
        "delete one",
    ),
    "other columns than its fields": (
        "@view(sql='SELECT id, name FROM student')  # <-\nclass V:\n    name: str\n    id: int",
        "view v selects id, name, and its fields are name, id",
        "in that order",
    ),
    "a view and a table of one name": (
        "@view('student', sql='SELECT 1')  # <-\nclass V: ...",
        "already",
        "another name",
    ),
    "neither joins nor sql": ("@view()  # <-\nclass V:\n    x: int", "needs either joins= or sql=", "@view(joins"),
    "a bare @view": ("@view  # <-\nclass V:\n    x: int", "@view needs joins= or sql=", "@view(joins"),
    "a join without fields": ("@view(joins=[(Course, Student)])  # <-\nclass V: ...", "has no columns", "field"),
    "a class that is no table": (
        "class B: ...\n@view(joins=[(B, Student)])  # <-\nclass V:\n    name: str",
        "B is no table",
        "@table",
    ),
    "no foreign key": (
        "@view(joins=[(CourseGrade, Student)])  # <-\nclass V:\n    name: str",
        "no foreign key joins grades and student",
        "sql=",
    ),
    "two foreign keys": (
        "@view(joins=[(Twice, Course)])  # <-\nclass V:\n    title: str",
        "several foreign keys join twice and course",
        "sql=",
    ),
    "joined already": (
        "@view(joins=[(Course, Student), (Student, Course)])  # <-\nclass V:\n    title: str",
        "student and course are joined already",
        "sql=",
    ),
    "two islands": (
        "@table\nclass X:\n    id: Annotated[int, Key]\n@table\nclass Y:\n    x: X\n"
        "@view(joins=[(Course, Student), (Y, X)])  # <-\nclass V:\n    title: str",
        "nothing joins y to the other tables",
        "add the pair",
    ),
    "an ambiguous field": (
        "@view(joins=[(Course, Student)])\nclass V:\n    title: str\n    id: int  # <-",
        "view v: id can be course.id, student.id",
        "<table>_<column>",
    ),
    "an unknown field": (
        "@view(joins=[(Course, Student)])\nclass V:\n    nick: str  # <-",
        "view v: nick is in none of its tables",
        "From",
    ),
    "a trigger on nothing": (
        "trigger('CREATE TRIGGER t AFTER INSERT ON nope BEGIN SELECT 1; END')  # <-",
        "no such table: main.nope",
        "correct the name",
    ),
    "a trigger that writes to nothing": (
        "trigger('CREATE TRIGGER t AFTER INSERT ON student BEGIN INSERT INTO nope VALUES(1); END')  # <-",
        "trigger t: no such table: main.nope",
        "correct the name",
    ),
    "a trigger with an unknown column": (
        "trigger('CREATE TRIGGER t AFTER UPDATE OF name ON student BEGIN SELECT new.z; END')  # <-",
        "trigger t: no such column: new.z",
        "correct the name",
    ),
    "a trigger with an unknown column in its condition": (
        "trigger('CREATE TRIGGER t BEFORE DELETE ON student WHEN old.nope > 1 BEGIN SELECT 1; END')  # <-",
        "trigger t: no such column: old.nope",
        "correct the name",
    ),
    "a trigger for an unknown column": (
        "trigger('CREATE TRIGGER t AFTER UPDATE OF name, nope ON student BEGIN SELECT 1; END')  # <-",
        "trigger t: student has no column nope",
        "its columns are id, name",
    ),
    "a trigger twice": (
        "trigger('CREATE TRIGGER t AFTER INSERT ON student BEGIN SELECT 1; END')\n"
        "trigger('CREATE TRIGGER IF NOT EXISTS t AFTER INSERT ON student BEGIN SELECT 1; END')  # <-",
        "creates no trigger that is not there yet",
        "delete one",
    ),
    "a temporary trigger": (
        "trigger('CREATE TEMP TRIGGER t AFTER INSERT ON student BEGIN SELECT 1; END')  # <-",
        "CREATE TRIGGER only",
        "CREATE TRIGGER",
    ),
    "the trigger that is to blame, and not the one that fires it": (
        "trigger('CREATE TRIGGER t AFTER INSERT ON student BEGIN DELETE FROM course; END')\n"
        "trigger('CREATE TRIGGER u AFTER DELETE ON course BEGIN DELETE FROM nope; END')  # <-",
        "trigger u: no such table: main.nope",
        "correct the name",
    ),
    "an update through a view without a trigger for it": (
        "@view(sql='SELECT name FROM student')\nclass V: ...\n"
        "trigger('CREATE TRIGGER t AFTER INSERT ON student BEGIN DELETE FROM v; END')  # <-",
        "cannot modify v because it is a view",
        "INSTEAD OF",
    ),
}


@each_mistake(MISTAKES)
def test_mistakes(module: str, message: str, hint: str, mistake: Mistake) -> None:
    told = mistake(SCHOOL + module)
    assert message in told.message
    assert hint in told.hint


def test_triggers_on_views_and_through_other_triggers(schema: Load) -> None:
    made = schema(
        SCHOOL
        + """
@view(sql="SELECT id, name FROM student")
class V: ...
trigger("CREATE TRIGGER a AFTER INSERT ON student BEGIN INSERT INTO v(name) VALUES(new.name); END")
trigger("CREATE TRIGGER b INSTEAD OF INSERT ON v BEGIN SELECT new.name; END")
trigger("CREATE TRIGGER c INSTEAD OF UPDATE OF name ON v BEGIN SELECT old.name, new.id; END")
trigger("CREATE TRIGGER d INSTEAD OF DELETE ON v BEGIN SELECT old.name; END")
"""
    )
    assert [trigger.name for trigger in made.catalog.triggers] == ["a", "b", "c", "d"]
    assert made.create_triggers[3] == "CREATE TRIGGER d INSTEAD OF DELETE ON v BEGIN SELECT old.name; END"
