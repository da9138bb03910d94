"""Chinook, the music shop of many tutorials, as it is: what ``hotmig init`` writes for its database."""

import datetime as dt
from decimal import Decimal
from typing import Annotated

from hotmig.schema import Column, ColumnType, Index, Key, auto, table

database = "chinook"


@table("Artist")
class Artist:
    artist_id: Annotated[int, Column("ArtistId"), Key(autoincrement=True)] = auto()
    name: Annotated[str | None, Column("Name"), ColumnType("NVARCHAR(120)")] = None


@table("Album", indexes=[Index("ArtistId", name="IFK_AlbumArtistId")])
class Album:
    album_id: Annotated[int, Column("AlbumId"), Key(autoincrement=True)] = auto()
    title: Annotated[str, Column("Title"), ColumnType("NVARCHAR(160)")]
    artist: Annotated[Artist, Column("ArtistId")]


@table("Employee", indexes=[Index("ReportsTo", name="IFK_EmployeeReportsTo")])
class Employee:
    employee_id: Annotated[int, Column("EmployeeId"), Key(autoincrement=True)] = auto()
    last_name: Annotated[str, Column("LastName"), ColumnType("NVARCHAR(20)")]
    first_name: Annotated[str, Column("FirstName"), ColumnType("NVARCHAR(20)")]
    title: Annotated[str | None, Column("Title"), ColumnType("NVARCHAR(30)")] = None
    reports_to: Annotated["Employee | None", Column("ReportsTo")] = None
    birth_date: Annotated[dt.datetime | None, Column("BirthDate"), ColumnType("DATETIME")] = None
    hire_date: Annotated[dt.datetime | None, Column("HireDate"), ColumnType("DATETIME")] = None
    address: Annotated[str | None, Column("Address"), ColumnType("NVARCHAR(70)")] = None
    city: Annotated[str | None, Column("City"), ColumnType("NVARCHAR(40)")] = None
    state: Annotated[str | None, Column("State"), ColumnType("NVARCHAR(40)")] = None
    country: Annotated[str | None, Column("Country"), ColumnType("NVARCHAR(40)")] = None
    postal_code: Annotated[str | None, Column("PostalCode"), ColumnType("NVARCHAR(10)")] = None
    phone: Annotated[str | None, Column("Phone"), ColumnType("NVARCHAR(24)")] = None
    fax: Annotated[str | None, Column("Fax"), ColumnType("NVARCHAR(24)")] = None
    email: Annotated[str | None, Column("Email"), ColumnType("NVARCHAR(60)")] = None


@table("Customer", indexes=[Index("SupportRepId", name="IFK_CustomerSupportRepId")])
class Customer:
    customer_id: Annotated[int, Column("CustomerId"), Key(autoincrement=True)] = auto()
    first_name: Annotated[str, Column("FirstName"), ColumnType("NVARCHAR(40)")]
    last_name: Annotated[str, Column("LastName"), ColumnType("NVARCHAR(20)")]
    company: Annotated[str | None, Column("Company"), ColumnType("NVARCHAR(80)")] = None
    address: Annotated[str | None, Column("Address"), ColumnType("NVARCHAR(70)")] = None
    city: Annotated[str | None, Column("City"), ColumnType("NVARCHAR(40)")] = None
    state: Annotated[str | None, Column("State"), ColumnType("NVARCHAR(40)")] = None
    country: Annotated[str | None, Column("Country"), ColumnType("NVARCHAR(40)")] = None
    postal_code: Annotated[str | None, Column("PostalCode"), ColumnType("NVARCHAR(10)")] = None
    phone: Annotated[str | None, Column("Phone"), ColumnType("NVARCHAR(24)")] = None
    fax: Annotated[str | None, Column("Fax"), ColumnType("NVARCHAR(24)")] = None
    email: Annotated[str, Column("Email"), ColumnType("NVARCHAR(60)")]
    support_rep: Annotated[Employee | None, Column("SupportRepId")] = None


@table("Genre")
class Genre:
    genre_id: Annotated[int, Column("GenreId"), Key(autoincrement=True)] = auto()
    name: Annotated[str | None, Column("Name"), ColumnType("NVARCHAR(120)")] = None


@table("Invoice", indexes=[Index("CustomerId", name="IFK_InvoiceCustomerId")])
class Invoice:
    invoice_id: Annotated[int, Column("InvoiceId"), Key(autoincrement=True)] = auto()
    customer: Annotated[Customer, Column("CustomerId")]
    invoice_date: Annotated[dt.datetime, Column("InvoiceDate"), ColumnType("DATETIME")]
    billing_address: Annotated[str | None, Column("BillingAddress"), ColumnType("NVARCHAR(70)")] = None
    billing_city: Annotated[str | None, Column("BillingCity"), ColumnType("NVARCHAR(40)")] = None
    billing_state: Annotated[str | None, Column("BillingState"), ColumnType("NVARCHAR(40)")] = None
    billing_country: Annotated[str | None, Column("BillingCountry"), ColumnType("NVARCHAR(40)")] = None
    billing_postal_code: Annotated[str | None, Column("BillingPostalCode"), ColumnType("NVARCHAR(10)")] = None
    total: Annotated[Decimal, Column("Total"), ColumnType("NUMERIC(10,2)")]


@table("MediaType")
class MediaType:
    media_type_id: Annotated[int, Column("MediaTypeId"), Key(autoincrement=True)] = auto()
    name: Annotated[str | None, Column("Name"), ColumnType("NVARCHAR(120)")] = None


@table("Playlist")
class Playlist:
    playlist_id: Annotated[int, Column("PlaylistId"), Key(autoincrement=True)] = auto()
    name: Annotated[str | None, Column("Name"), ColumnType("NVARCHAR(120)")] = None


@table(
    "Track",
    indexes=[
        Index("AlbumId", name="IFK_TrackAlbumId"),
        Index("GenreId", name="IFK_TrackGenreId"),
        Index("MediaTypeId", name="IFK_TrackMediaTypeId"),
    ],
)
class Track:
    track_id: Annotated[int, Column("TrackId"), Key(autoincrement=True)] = auto()
    name: Annotated[str, Column("Name"), ColumnType("NVARCHAR(200)")]
    album: Annotated[Album | None, Column("AlbumId")] = None
    media_type: Annotated[MediaType, Column("MediaTypeId")]
    genre: Annotated[Genre | None, Column("GenreId")] = None
    composer: Annotated[str | None, Column("Composer"), ColumnType("NVARCHAR(220)")] = None
    milliseconds: Annotated[int, Column("Milliseconds")]
    bytes_: Annotated[int | None, Column("Bytes")] = None
    unit_price: Annotated[Decimal, Column("UnitPrice"), ColumnType("NUMERIC(10,2)")]


@table(
    "InvoiceLine",
    indexes=[Index("InvoiceId", name="IFK_InvoiceLineInvoiceId"), Index("TrackId", name="IFK_InvoiceLineTrackId")],
)
class InvoiceLine:
    invoice_line_id: Annotated[int, Column("InvoiceLineId"), Key(autoincrement=True)] = auto()
    invoice: Annotated[Invoice, Column("InvoiceId")]
    track: Annotated[Track, Column("TrackId")]
    unit_price: Annotated[Decimal, Column("UnitPrice"), ColumnType("NUMERIC(10,2)")]
    quantity: Annotated[int, Column("Quantity")]


@table(
    "PlaylistTrack",
    indexes=[
        Index("PlaylistId", name="IFK_PlaylistTrackPlaylistId"),
        Index("TrackId", name="IFK_PlaylistTrackTrackId"),
    ],
)
class PlaylistTrack:
    playlist: Annotated[Playlist, Column("PlaylistId"), Key]
    track: Annotated[Track, Column("TrackId"), Key]
