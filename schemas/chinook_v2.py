"""Chinook, the music shop of many tutorials, as it might be written today; from the schema in ``chinook_v1.py``.

Renamed: every CamelCase table and column. Computed: full names, prices in cents, dates without a midnight. Given up:
fax numbers. Added: reviews, the currency of an invoice, the visibility of a playlist, two views, a trigger, seed rows,
checks, deletes that cascade. A line of a playlist gets a key of its own in place of its composite one, and every
table is STRICT.
"""

import datetime as dt
from typing import Annotated

from hotmig.schema import (
    Check,
    Collate,
    Default,
    From,
    Generated,
    Index,
    Key,
    References,
    Unique,
    Was,
    auto,
    dropped,
    seed,
    table,
    trigger,
    view,
)

database = "chinook"

Cents = Annotated[int, Check("unit_price_cents >= 0")]
AutoKey = Annotated[int, Key(autoincrement=True)]


# The catalogue


@table(strict=True)
class Artist:
    id: Annotated[AutoKey, Was("ArtistId")] = auto()
    name: Annotated[str, From("coalesce(Name, 'Unknown artist')"), Collate("NOCASE"), Index]


@table(strict=True)
class Album:
    id: Annotated[AutoKey, Was("AlbumId")] = auto()
    title: str
    artist: Annotated[Artist, References(on_delete="CASCADE"), Was("ArtistId"), Index]


@table(strict=True)
class Genre:
    id: Annotated[AutoKey, Was("GenreId")] = auto()
    name: Annotated[str | None, Unique]


@table(strict=True, was="MediaType")
class MediaType:
    id: Annotated[AutoKey, Was("MediaTypeId")] = auto()
    name: Annotated[str | None, Unique]


@table(strict=True)
class Track:
    id: Annotated[AutoKey, Was("TrackId")] = auto()
    name: str
    album: Annotated[Album | None, References(on_delete="CASCADE"), Was("AlbumId"), Index] = None
    media_type: Annotated[MediaType, References, Was("MediaTypeId"), Index]
    genre: Annotated[Genre | None, References(on_delete="SET NULL"), Was("GenreId"), Index] = None
    composer: str | None = None
    duration_ms: Annotated[int, Was("Milliseconds"), Check("duration_ms > 0")]
    size_bytes: Annotated[int | None, Was("Bytes")] = None
    unit_price_cents: Annotated[Cents, From("CAST(round(UnitPrice * 100) AS INTEGER)")]


# People


@table(strict=True)
class Employee:
    id: Annotated[AutoKey, Was("EmployeeId")] = auto()
    full_name: Annotated[str, From("FirstName || ' ' || LastName")]
    title: str | None = None
    manager: Annotated["Employee | None", References(on_delete="SET NULL"), Was("ReportsTo"), Index] = None
    born_on: Annotated[dt.date | None, From("date(BirthDate)")] = None
    hired_on: Annotated[dt.date | None, From("date(HireDate)")] = None
    address: str | None = None
    city: str | None = None
    state: str | None = None
    country: str | None = None
    postal_code: Annotated[str | None, Was("PostalCode")] = None
    phone: str | None = None
    email: Annotated[str | None, Collate("NOCASE")] = None


@table(strict=True)
class Customer:
    id: Annotated[AutoKey, Was("CustomerId")] = auto()
    full_name: Annotated[str, From("FirstName || ' ' || LastName")]
    company: str | None = None
    address: str | None = None
    city: str | None = None
    state: str | None = None
    country: str | None = None
    postal_code: Annotated[str | None, Was("PostalCode")] = None
    phone: str | None = None
    email: Annotated[str, Unique, Collate("NOCASE"), Check("email LIKE '%_@_%'")]
    support_rep: Annotated[Employee | None, References(on_delete="SET NULL"), Was("SupportRepId"), Index] = None


# Sales


@table(strict=True)
class Invoice:
    id: Annotated[AutoKey, Was("InvoiceId")] = auto()
    customer: Annotated[Customer, References, Was("CustomerId"), Index]
    issued_at: Annotated[dt.datetime, Was("InvoiceDate"), Default(sql="CURRENT_TIMESTAMP"), Index] = auto()
    billing_address: Annotated[str | None, Was("BillingAddress")] = None
    billing_city: Annotated[str | None, Was("BillingCity")] = None
    billing_state: Annotated[str | None, Was("BillingState")] = None
    billing_country: Annotated[str | None, Was("BillingCountry")] = None
    billing_postal_code: Annotated[str | None, Was("BillingPostalCode")] = None
    currency: Annotated[str, Check("length(currency) = 3")] = "USD"
    total_cents: Annotated[int, From("CAST(round(Total * 100) AS INTEGER)")] = 0


@table(strict=True, was="InvoiceLine")
class InvoiceLine:
    id: Annotated[AutoKey, Was("InvoiceLineId")] = auto()
    invoice: Annotated[Invoice, References(on_delete="CASCADE"), Was("InvoiceId"), Index]
    track: Annotated[Track, References, Was("TrackId"), Index]
    unit_price_cents: Annotated[Cents, From("CAST(round(UnitPrice * 100) AS INTEGER)")]
    quantity: Annotated[int, Check("quantity > 0")] = 1
    amount_cents: Annotated[int, Generated("unit_price_cents * quantity")] = auto()


trigger("""CREATE TRIGGER invoice_line_added AFTER INSERT ON invoice_line BEGIN
    UPDATE invoice SET total_cents = total_cents + NEW.unit_price_cents * NEW.quantity WHERE id = NEW.invoice_id;
END""")


@table(strict=True, unique=[("customer_id", "track_id")])
class Review:
    id: AutoKey = auto()
    customer: Annotated[Customer, References(on_delete="CASCADE")]
    track: Annotated[Track, References(on_delete="CASCADE"), Index]
    stars: Annotated[int, Check("stars BETWEEN 1 AND 5")]
    comment: str = ""
    written_at: Annotated[dt.datetime, Default(sql="CURRENT_TIMESTAMP")] = auto()


# Playlists


@table(strict=True)
class Playlist:
    id: Annotated[AutoKey, Was("PlaylistId")] = auto()
    name: Annotated[str, From("coalesce(Name, 'Untitled')")]
    is_public: bool = False


@table(strict=True, was="PlaylistTrack", unique=[("playlist_id", "track_id")])
class PlaylistTrack:
    id: Annotated[int, Key] = auto()
    playlist: Annotated[Playlist, References(on_delete="CASCADE"), Was("PlaylistId")]
    track: Annotated[Track, References(on_delete="CASCADE"), Was("TrackId"), Index]


# What people ask for


@view(joins=[(Track, Album), (Album, Artist)])
class TrackListing:
    track_id: int
    track_name: str
    album_title: str
    artist_name: str
    duration_ms: int


@view(
    sql="""SELECT customer.id AS customer_id, full_name, count(invoice.id) AS invoices,
        coalesce(sum(total_cents), 0) AS cents
        FROM customer LEFT JOIN invoice ON invoice.customer_id = customer.id GROUP BY customer.id""",
)
class CustomerSpending:
    customer_id: int
    full_name: str
    invoices: int
    cents: int


lossless = [MediaType(id=6, name="FLAC audio file"), MediaType(id=7, name="ALAC audio file")]
seed(Genre(id=26, name="Audiobook"), if_absent=True)

dropped("Customer", "Fax")
dropped("Employee", "Fax")
