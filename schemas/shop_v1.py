"""The shop as it was: what ``hotmig init`` would write for the database of ``hotmig demo``."""

from typing import Annotated

from hotmig.schema import Check, Collate, Default, Index, Key, References, Unique, auto, table

database = "shop"

Timestamp = Annotated[str, Default(sql="CURRENT_TIMESTAMP")]


@table("client")
class Client:
    id: Annotated[int, Key(autoincrement=True)] = auto()
    first_name: str
    last_name: str
    nickname: str | None = None
    email: Annotated[str, Unique, Collate("NOCASE")]
    joined: Timestamp = auto()


@table("product")
class Product:
    sku: Annotated[str, Key]
    name: str
    price_cents: Annotated[int, Check("price_cents >= 0")]
    stock: int = 0


@table("orders", indexes=[Index("client_id")])
class Order:
    id: Annotated[int, Key] = auto()
    client_id: int
    total: float
    placed: Timestamp = auto()
    note: str | None = None


@table("order_line", indexes=[Index("order_id"), Index("sku")])
class OrderLine:
    id: Annotated[int, Key] = auto()
    order: Annotated[Order, References(on_delete="CASCADE")]
    sku: Annotated[str, References("Product", "sku", on_update="CASCADE")]
    quantity: Annotated[int, Check("quantity > 0")]
