"""Chinook, a real database: what its application writes, before and after, and what must come of its rows.

The file itself is not in the repository: the environment variable HOTMIG_CHINOOK says where it is.
"""

from __future__ import annotations

import os
import shutil
import sqlite3
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.scenarios import exact
from tests.scenarios.exact import Assigned, Cell, Row, Text
from tests.scenarios.shape import Dice, Old, OldRow, Shape, joined, pick

SCHEMAS = Path(__file__).resolve().parents[2] / "schemas"
VARIABLE = "HOTMIG_CHINOOK"

_CONTACT = ("Address", "City", "State", "Country", "PostalCode", "Phone", "Fax", "Email")
_BILLING = ("BillingAddress", "BillingCity", "BillingState", "BillingCountry", "BillingPostalCode")
_KEPT = ("Address", "City", "State", "Country", "PostalCode", "Phone", "Email")

OLD_TABLES = {
    "Artist": ("ArtistId", "Name"),
    "Album": ("AlbumId", "Title", "ArtistId"),
    "Genre": ("GenreId", "Name"),
    "MediaType": ("MediaTypeId", "Name"),
    "Track": ("TrackId", "Name", "AlbumId", "MediaTypeId", "GenreId", "Composer", "Milliseconds", "Bytes", "UnitPrice"),
    "Employee": (
        "EmployeeId", "LastName", "FirstName", "Title", "ReportsTo", "BirthDate", "HireDate", *_CONTACT,
    ),
    "Customer": ("CustomerId", "FirstName", "LastName", "Company", *_CONTACT, "SupportRepId"),
    "Invoice": ("InvoiceId", "CustomerId", "InvoiceDate", *_BILLING, "Total"),
    "InvoiceLine": ("InvoiceLineId", "InvoiceId", "TrackId", "UnitPrice", "Quantity"),
    "Playlist": ("PlaylistId", "Name"),
    "PlaylistTrack": ("PlaylistId", "TrackId"),
}  # fmt: skip

NEW_TABLES = {
    "artist": ("id", "name"),
    "album": ("id", "title", "artist_id"),
    "genre": ("id", "name"),
    "media_type": ("id", "name"),
    "track": (
        "id", "name", "album_id", "media_type_id", "genre_id", "composer", "duration_ms", "size_bytes",
        "unit_price_cents",
    ),
    "employee": (
        "id", "full_name", "title", "manager_id", "born_on", "hired_on", "address", "city", "state", "country",
        "postal_code", "phone", "email",
    ),
    "customer": (
        "id", "full_name", "company", "address", "city", "state", "country", "postal_code", "phone", "email",
        "support_rep_id",
    ),
    "invoice": (
        "id", "customer_id", "issued_at", "billing_address", "billing_city", "billing_state", "billing_country",
        "billing_postal_code", "currency", "total_cents",
    ),
    "invoice_line": ("id", "invoice_id", "track_id", "unit_price_cents", "quantity", "amount_cents"),
    "review": ("id", "customer_id", "track_id", "stars", "comment", "written_at"),
    "playlist": ("id", "name", "is_public"),
    "playlist_track": ("id", "playlist_id", "track_id"),
}  # fmt: skip

SEQUENCES = {
    "Artist": "artist", "Album": "album", "Genre": "genre", "MediaType": "media_type", "Track": "track",
    "Employee": "employee", "Customer": "customer", "Invoice": "invoice", "InvoiceLine": "invoice_line",
    "Playlist": "playlist",
}  # fmt: skip


def text(value: str) -> Text:
    return Text(value.encode())


SEEDED_MEDIA_TYPES: dict[Cell, Text] = {6: text("FLAC audio file"), 7: text("ALAC audio file")}
SEEDED_GENRES: dict[Cell, Text] = {26: text("Audiobook")}


# What the new tables must hold


def project(old: Old) -> dict[str, list[Row]]:
    return {
        "artist": [(row["ArtistId"], or_else(row["Name"], "Unknown artist")) for row in old["Artist"]],
        "album": [pick(row, OLD_TABLES["Album"]) for row in old["Album"]],
        "genre": [*seeded_unless_there(old["Genre"], "GenreId", SEEDED_GENRES)],
        "media_type": [*seeded(old["MediaType"], "MediaTypeId", SEEDED_MEDIA_TYPES)],
        "track": [(*pick(row, OLD_TABLES["Track"][:-1]), cents(row["UnitPrice"])) for row in old["Track"]],
        "employee": [employee(row) for row in old["Employee"]],
        "customer": [customer(row) for row in old["Customer"]],
        "invoice": [invoice(row) for row in old["Invoice"]],
        "invoice_line": [invoice_line(row) for row in old["InvoiceLine"]],
        "review": [],
        "playlist": [(row["PlaylistId"], or_else(row["Name"], "Untitled"), 0) for row in old["Playlist"]],
        "playlist_track": [playlist_track(row) for row in old["PlaylistTrack"]],
    }


def seeded_unless_there(rows: list[OldRow], key: str, seeds: dict[Cell, Text]) -> list[Row]:
    """``seed(…, if_absent=True)``: the old row wins."""
    names = seeds | {row[key]: row["Name"] for row in rows}
    return [(number, name) for number, name in names.items()]


def seeded(rows: list[OldRow], key: str, seeds: dict[Cell, Text]) -> list[Row]:
    """A seed row in the module: it wins over the old row."""
    names: dict[Cell, Cell] = {row[key]: row["Name"] for row in rows}
    return [(number, name) for number, name in (names | seeds).items()]


def employee(row: OldRow) -> Row:
    return (
        row["EmployeeId"], joined(row["FirstName"], " ", row["LastName"]), row["Title"], row["ReportsTo"],
        day(row["BirthDate"]), day(row["HireDate"]), *pick(row, _KEPT),
    )  # fmt: skip


def customer(row: OldRow) -> Row:
    name = joined(row["FirstName"], " ", row["LastName"])
    return (row["CustomerId"], name, row["Company"], *pick(row, _KEPT), row["SupportRepId"])


def invoice(row: OldRow) -> Row:
    billing = pick(row, _BILLING)
    return (row["InvoiceId"], row["CustomerId"], row["InvoiceDate"], *billing, text("USD"), cents(row["Total"]))


def invoice_line(row: OldRow) -> Row:
    price, quantity = cents(row["UnitPrice"]), row["Quantity"]
    assert isinstance(quantity, int)
    return (row["InvoiceLineId"], row["InvoiceId"], row["TrackId"], price, quantity, price * quantity)


def playlist_track(row: OldRow) -> Row:
    old = pick(row, OLD_TABLES["PlaylistTrack"])
    return (Assigned("playlist_track", old), *old)


def or_else(value: Cell, default: str) -> Cell:
    return text(default) if value is None else value


def cents(value: Cell) -> int:
    """``CAST(round(value * 100) AS INTEGER)`` for what is not negative."""
    return int(exact.plain(value) * 100 + 0.5)


def day(value: Cell) -> Cell:
    """``date(value)`` of a text such as ``1962-02-18 00:00:00``."""
    return Text(value.raw[:10]) if isinstance(value, Text) else None


# What the application writes today


def one(db: sqlite3.Connection, sql: str, *parameters: Any) -> Any:
    """The first column of the first row."""
    row = db.execute(sql, parameters).fetchone()
    return row[0] if row else None


def a_track(db: sqlite3.Connection, dice: Dice) -> Any:
    return dice.some(db, "Track", "TrackId")[0]  # type: ignore[index]


def sell(db: sqlite3.Connection, dice: Dice) -> None:
    (buyer,) = dice.some(db, "Customer", "CustomerId") or (None,)
    sold = db.execute(
        """INSERT INTO Invoice(CustomerId, InvoiceDate, BillingAddress, BillingCity, BillingCountry, Total)
        SELECT CustomerId, datetime('now'), Address, City, Country, 0 FROM Customer WHERE CustomerId = ?""",
        (buyer,),
    ).lastrowid
    for _ in range(dice.randint(1, 4)):
        db.execute(
            """INSERT INTO InvoiceLine(InvoiceId, TrackId, UnitPrice, Quantity)
            SELECT ?, TrackId, UnitPrice, ? FROM Track WHERE TrackId = ?""",
            (sold, dice.randint(1, 3), a_track(db, dice)),
        )
    add_up(db, sold)


def add_up(db: sqlite3.Connection, invoice_id: int | None) -> None:
    db.execute(
        """UPDATE Invoice SET Total = (SELECT coalesce(sum(UnitPrice * Quantity), 0) FROM InvoiceLine
        WHERE InvoiceLine.InvoiceId = Invoice.InvoiceId) WHERE InvoiceId = ?""",
        (invoice_id,),
    )


def take_back(db: sqlite3.Connection, dice: Dice) -> None:
    """One line of an invoice, or the whole of it."""
    line, from_invoice = dice.some(db, "InvoiceLine", "InvoiceLineId, InvoiceId") or (None, None)
    if dice.random() < 0.5:
        db.execute("DELETE FROM InvoiceLine WHERE InvoiceLineId = ?", (line,))
        add_up(db, from_invoice)
    else:
        db.execute("DELETE FROM InvoiceLine WHERE InvoiceId = ?", (from_invoice,))
        db.execute("DELETE FROM Invoice WHERE InvoiceId = ?", (from_invoice,))


def sign_up(db: sqlite3.Connection, dice: Dice) -> None:
    mark = dice.mark()
    (agent,) = dice.some(db, "Employee", "EmployeeId") or (None,)
    db.execute(
        """INSERT INTO Customer(FirstName, LastName, Company, Fax, Email, SupportRepId) VALUES (?, ?, ?, ?, ?, ?)
        ON CONFLICT DO NOTHING""",
        (mark, dice.word(), dice.maybe(dice.word()), dice.maybe("555"), f"{mark}@example.com", dice.maybe(agent)),
    )


def move_house(db: sqlite3.Connection, dice: Dice) -> None:
    (mover,) = dice.some(db, "Customer", "CustomerId") or (None,)
    db.execute(
        "UPDATE Customer SET LastName = ?, Address = ?, City = ?, PostalCode = ?, Fax = NULL WHERE CustomerId = ?",
        (dice.mark(), dice.maybe("Straße 1 ½"), dice.maybe("Zürich"), dice.maybe("0123"), mover),
    )


def leave(db: sqlite3.Connection, dice: Dice) -> None:
    """A customer who never bought anything goes."""
    never = "Customer WHERE CustomerId NOT IN (SELECT CustomerId FROM Invoice)"
    db.execute("DELETE FROM Customer WHERE CustomerId = ?", dice.some(db, never, "CustomerId") or (None,))


def reorganise(db: sqlite3.Connection, dice: Dice) -> None:
    """Somebody reports to somebody else, or to nobody, or to herself."""
    (person,) = dice.some(db, "Employee", "EmployeeId") or (None,)
    (boss,) = dice.some(db, "Employee", "EmployeeId") or (None,)
    db.execute(
        "UPDATE Employee SET ReportsTo = ?, Title = ?, BirthDate = ?, FirstName = ? WHERE EmployeeId = ?",
        (dice.maybe(boss), dice.maybe(dice.word()), dice.maybe("1970-01-02 00:00:00"), dice.mark(), person),
    )


def release(db: sqlite3.Connection, dice: Dice) -> None:
    """An album by a new artist, who may have no name."""
    artist = db.execute("INSERT INTO Artist(Name) VALUES (?)", (dice.maybe(dice.mark()),)).lastrowid
    album = db.execute("INSERT INTO Album(Title, ArtistId) VALUES (?, ?)", (dice.mark(), artist)).lastrowid
    (kind,) = dice.some(db, "MediaType", "MediaTypeId") or (None,)
    (genre,) = dice.some(db, "Genre", "GenreId") or (None,)
    for _ in range(dice.randint(1, 5)):
        db.execute(
            """INSERT INTO Track(Name, AlbumId, MediaTypeId, GenreId, Composer, Milliseconds, Bytes, UnitPrice)
            VALUES (?, ?, ?, ?, ?, ?, ?, ?)""",
            (dice.mark(), dice.maybe(album), kind, dice.maybe(genre), dice.maybe("Łukasz"), dice.randint(1, 9**7),
             dice.maybe(2**40), dice.choice([0, 1, 0.99, 1.29, 19.99])),
        )  # fmt: skip


def reprice(db: sqlite3.Connection, dice: Dice) -> None:
    first = a_track(db, dice)
    price = dice.choice([0.49, 0.99, 1.15, 2, 2.675])
    db.execute("UPDATE Track SET UnitPrice = ? WHERE TrackId BETWEEN ? AND ?", (price, first, first + 20))


def retitle(db: sqlite3.Connection, dice: Dice) -> None:
    db.execute(
        "UPDATE Track SET Name = ?, Composer = ? WHERE TrackId = ?",
        (dice.mark(), dice.maybe("O'Brien"), a_track(db, dice)),
    )
    artist = dice.some(db, "Artist", "ArtistId") or (None,)
    db.execute("UPDATE Artist SET Name = ? WHERE ArtistId = ?", (dice.maybe(dice.mark()), *artist))


def withdraw(db: sqlite3.Connection, dice: Dice) -> None:
    """A track that nobody bought goes from the playlists and from the shop."""
    track = dice.some(db, "Track WHERE TrackId NOT IN (SELECT TrackId FROM InvoiceLine)", "TrackId") or (None,)
    db.execute("DELETE FROM PlaylistTrack WHERE TrackId = ?", track)
    db.execute("DELETE FROM Track WHERE TrackId = ?", track)


def classify(db: sqlite3.Connection, dice: Dice) -> None:
    """Genres and media types come, change and go; some come under the numbers of the new schema's seed rows."""
    for table, most in (("Genre", 28), ("MediaType", 8)):
        key = f"{table}Id"
        number = dice.randint(1, most)
        there = one(db, f"SELECT {key} FROM {table} WHERE {key} = ?", number)
        if there and dice.random() < 0.3:
            unused = f"{key} NOT IN (SELECT {key} FROM Track WHERE {key} IS NOT NULL)"
            db.execute(f"DELETE FROM {table} WHERE {key} = ? AND {unused}", (number,))
        else:
            db.execute(
                f"INSERT INTO {table}({key}, Name) VALUES (?, ?) ON CONFLICT DO UPDATE SET Name = excluded.Name",
                (number, dice.maybe(dice.mark())),
            )


def compile_playlist(db: sqlite3.Connection, dice: Dice) -> None:
    playlist = db.execute("INSERT INTO Playlist(Name) VALUES (?)", (dice.maybe(dice.mark()),)).lastrowid
    for _ in range(dice.randint(0, 10)):
        db.execute("INSERT OR IGNORE INTO PlaylistTrack VALUES (?, ?)", (playlist, a_track(db, dice)))


def swap_in_playlist(db: sqlite3.Connection, dice: Dice) -> None:
    """Another track in the place of one: the whole of the old key changes."""
    playlist, track = dice.some(db, "PlaylistTrack", "PlaylistId, TrackId") or (None, None)
    db.execute(
        "UPDATE OR IGNORE PlaylistTrack SET TrackId = ? WHERE PlaylistId = ? AND TrackId = ?",
        (a_track(db, dice), playlist, track),
    )


def delete_playlist(db: sqlite3.Connection, dice: Dice) -> None:
    """Its tracks first: the old schema doesn't cascade."""
    (playlist,) = dice.some(db, "Playlist", "PlaylistId") or (None,)
    if one(db, "SELECT count(*) FROM PlaylistTrack WHERE PlaylistId = ?", playlist) < 100:
        db.execute("DELETE FROM PlaylistTrack WHERE PlaylistId = ?", (playlist,))
        db.execute("DELETE FROM Playlist WHERE PlaylistId = ?", (playlist,))


WRITES = {
    write.__name__: write
    for write in (
        sell, take_back, sign_up, move_house, leave, reorganise, release, reprice, retitle, withdraw, classify,
        compile_playlist, swap_in_playlist, delete_playlist,
    )
}  # fmt: skip


# What its next version writes


def sell_anew(db: sqlite3.Connection, dice: Dice) -> None:
    """The total is left to the new trigger."""
    (buyer,) = dice.some(db, "customer", "id") or (None,)
    sold = db.execute("INSERT INTO invoice(customer_id) VALUES (?)", (buyer,)).lastrowid
    for _ in range(dice.randint(1, 4)):
        track, price = dice.some(db, "track", "id, unit_price_cents") or (None, None)
        db.execute(
            "INSERT INTO invoice_line(invoice_id, track_id, unit_price_cents, quantity) VALUES (?, ?, ?, ?)",
            (sold, track, price, dice.randint(1, 3)),
        )


def take_back_anew(db: sqlite3.Connection, dice: Dice) -> None:
    """The lines go with their invoice."""
    db.execute("DELETE FROM invoice WHERE id = ?", dice.some(db, "invoice", "id") or (None,))


def review(db: sqlite3.Connection, dice: Dice) -> None:
    (critic,) = dice.some(db, "customer", "id") or (None,)
    (track,) = dice.some(db, "track", "id") or (None,)
    db.execute(
        """INSERT INTO review(customer_id, track_id, stars, comment) VALUES (?, ?, ?, ?)
        ON CONFLICT DO UPDATE SET stars = excluded.stars, comment = excluded.comment""",
        (critic, track, dice.randint(1, 5), dice.mark()),
    )


def add_to_playlist(db: sqlite3.Connection, dice: Dice) -> None:
    (playlist,) = dice.some(db, "playlist", "id") or (None,)
    (track,) = dice.some(db, "track", "id") or (None,)
    db.execute("INSERT OR IGNORE INTO playlist_track(playlist_id, track_id) VALUES (?, ?)", (playlist, track))


def delete_playlist_anew(db: sqlite3.Connection, dice: Dice) -> None:
    """Its tracks go with it."""
    small = "playlist WHERE (SELECT count(*) FROM playlist_track WHERE playlist_id = playlist.id) < 100"
    db.execute("DELETE FROM playlist WHERE id = ?", dice.some(db, small, "id") or (None,))


NEW_WRITES = {
    write.__name__: write for write in (sell_anew, take_back_anew, review, add_to_playlist, delete_playlist_anew)
}


@dataclass(frozen=True)
class RealShape(Shape):
    """A shape whose old database is a real file, with the rows that it has."""

    def create(self, path: Path, journal_mode: str, rows: int, seed: int) -> None:  # noqa: ARG002
        shutil.copyfile(os.environ[VARIABLE], path)
        db = sqlite3.connect(path, isolation_level=None)
        db.execute(f"PRAGMA journal_mode = {journal_mode}")
        db.close()


def nothing_to_fill(_db: sqlite3.Connection, _dice: Dice, _rows: int) -> None:
    """The rows are in the file already."""


CHINOOK = RealShape(
    name="chinook",
    old_ddl=(),
    old_tables=OLD_TABLES,
    new_tables=NEW_TABLES,
    schema_module=(SCHEMAS / "chinook_v2.py").read_text(),
    fill=nothing_to_fill,
    writes=WRITES,
    new_writes=NEW_WRITES,
    project=project,
    assigned={"playlist_track": ("id", ("playlist_id", "track_id"))},
    sequences=SEQUENCES,
)
