"""The shop as it becomes: the schema that ``hotmig demo`` migrates to while the shop stays open.

Renamed: client → customer, orders.placed → placed_at. Computed: full_name, total_cents. Given up: nickname.
Added: coupon and price_change, an index, a view, a trigger, the foreign key of orders. And product gets an integer
key in place of its sku: every reference to a product follows.
"""

from typing import Annotated

from hotmig.schema import (
    Check,
    Collate,
    Default,
    From,
    Index,
    Key,
    References,
    Unique,
    Was,
    auto,
    dropped,
    table,
    trigger,
    view,
)

database = "shop"

Timestamp = Annotated[str, Default(sql="CURRENT_TIMESTAMP")]
Cents = Annotated[int, Check("price_cents >= 0")]


@table("customer", was="client")
class Customer:
    id: Annotated[int, Key(autoincrement=True)] = auto()
    full_name: Annotated[str, From("first_name || ' ' || last_name")]
    email: Annotated[str, Unique, Collate("NOCASE")]
    joined_at: Annotated[Timestamp, Was("joined")] = auto()


@table("product")
class Product:
    id: Annotated[int, Key] = auto()
    sku: Annotated[str, Unique]
    name: str
    price_cents: Cents
    stock: int = 0


@table("orders", indexes=[Index("customer_id"), Index("placed_at")])
class Order:
    id: Annotated[int, Key] = auto()
    customer: Annotated[Customer, References(on_delete="CASCADE"), Was("client_id")]
    total_cents: Annotated[int, From("CAST(round(total * 100) AS INTEGER)"), Check("total_cents >= 0")]
    placed_at: Annotated[Timestamp, Was("placed")] = auto()
    note: str | None = None


@table("order_line", indexes=[Index("order_id"), Index("product_id")])
class OrderLine:
    id: Annotated[int, Key] = auto()
    order: Annotated[Order, References(on_delete="CASCADE")]
    product: Annotated[Product, References, Was("sku")]
    quantity: Annotated[int, Check("quantity > 0")]


@table("coupon")
class Coupon:
    code: Annotated[str, Key]
    percent: Annotated[int, Check("percent BETWEEN 1 AND 99")]


@table("price_change", indexes=[Index("product_id")])
class PriceChange:
    id: Annotated[int, Key] = auto()
    product: Annotated[Product, References(on_delete="CASCADE")]
    old_cents: int
    new_cents: int
    changed_at: Timestamp = auto()


@view(
    "customer_spending",
    sql="""SELECT customer.id AS customer_id, full_name, count(orders.id) AS orders, sum(total_cents) AS cents
        FROM customer LEFT JOIN orders ON orders.customer_id = customer.id GROUP BY customer.id""",
)
class CustomerSpending:
    customer_id: int
    full_name: str
    orders: int
    cents: int | None


trigger("""CREATE TRIGGER product_price_changed AFTER UPDATE OF price_cents ON product
    WHEN OLD.price_cents IS NOT NEW.price_cents BEGIN
    INSERT INTO price_change(product_id, old_cents, new_cents) VALUES (NEW.id, OLD.price_cents, NEW.price_cents);
END""")

welcome = [Coupon(code="WELCOME", percent=10), Coupon(code="FRIENDS", percent=15)]

dropped("client", "nickname")
