"""Exports of well-known tools come in by one preset, value by value."""

from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from app.errors import InputError
from app.services.imports import ImportOptions
from app.services.imports.options import AmountUnit, DateFormat
from app.services.imports.presets import PRESETS, suggest_preset
from tests.imports.conftest import ImportShop

Json = dict[str, Any]


def preset(name: str, **options: Any) -> ImportOptions:
    return ImportOptions(preset=PRESETS[name], **options)


def profile(shop: ImportShop, source_id: str) -> Json:
    document = shop.read_customer_document(source_id)
    names = ("name", "email", "phone", "description", "birthdate", "address", "metadata")
    return {name: document[name] for name in names if document.get(name)}


def orders(shop: ImportShop) -> dict[str, Json]:
    found = shop.database.orders.find({"current": True})
    return {order["sourceId"]: order for order in found}


SHOPIFY_CUSTOMERS = (
    "Customer ID,First Name,Last Name,Email,Accepts Email Marketing,Default Address Address1,"
    "Default Address City,Default Address Zip,Default Address Phone,Phone,Total Spent,Total Orders,"
    "Note,Tags,Loyalty Tier\r\n"
    "'0042,Nora,Åkesson,Nora.A@shop.example,yes,Storgatan 1,Malmö,'21120,,'+46700000001,1050.50,3,"
    '"likes\r\nblue","vip, ""big, spender""",2\r\n'
    "'43,Ola,,,no,,,,'+46700000002,,0.00,0,,,gold\r\n"
)


async def test_shopify_customers(shop: ImportShop) -> None:
    outcome = await shop.import_file(
        "customers", SHOPIFY_CUSTOMERS, "a.csv", preset("shopify-customers")
    )
    assert outcome.rejects == []
    assert profile(shop, "0042") == {
        "name": "Nora Åkesson",
        "email": "Nora.A@shop.example",
        "phone": "+46700000001",
        "description": "likes\r\nblue",
        "address": {"line1": "Storgatan 1", "city": "Malmö", "postalCode": "21120"},
        "metadata": {
            "Accepts Email Marketing": True,
            "Total Spent": 1050.5,
            "Total Orders": 3,
            "tags": ["vip", "big, spender"],
            "Loyalty Tier": "2",
        },
    }
    assert profile(shop, "43") == {
        "name": "Ola",
        "phone": "+46700000002",
        "metadata": {
            "Accepts Email Marketing": False,
            "Total Spent": 0,
            "Total Orders": 0,
            "Loyalty Tier": "gold",
        },
    }


SHOPIFY_ORDERS = (
    "Name,Email,Financial Status,Fulfillment Status,Currency,Total,Created at,Lineitem quantity,"
    "Lineitem name,Lineitem price,Lineitem sku,Cancelled at,Id\r\n"
    "#7,nora.a@SHOP.example,paid,fulfilled,SEK,65.50,2026-05-01 10:00:00 +0200,2,Cup,"
    "20.25,CUP-1,,900\r\n"
    '#7,nora.a@SHOP.example,,,,,,1,"Plate, ""big""",25.00,,,\r\n'
    "#8,nora.a@shop.example,pending,,SEK,10,2026-05-02 10:00:00 +0200,1,Cup,10.00,CUP-1,,901\r\n"
    "#9,nora.a@shop.example,paid,,SEK,10.00,2026-05-03 10:00:00 +0200,1,Cup,10.00,CUP-1,"
    "2026-05-04 10:00:00 +0200,902\r\n"
    "#10,nora.a@shop.example,partially_refunded,partial,SEK,10.00,2026-05-03 10:00:00 +0200,"
    "1,Cup,10.00,CUP-1,,903\r\n"
    "#11,nora.a@shop.example,mystery,,SEK,10,2026-05-03 10:00:00 +0200,1,Cup,10.00,CUP-1,,904\r\n"
    "#12,unknown@shop.example,paid,,SEK,10.00,2026-05-03 10:00:00 +0200,1,Cup,10.00,CUP-1,,905\r\n"
)


async def test_shopify_orders(shop: ImportShop) -> None:
    await shop.import_file("customers", SHOPIFY_CUSTOMERS, "a.csv", preset("shopify-customers"))
    for _ in range(2):
        outcome = await shop.import_file(
            "orders", SHOPIFY_ORDERS, "a.csv", preset("shopify-orders")
        )
        assert outcome.rejected_lines == [7, 8]
        assert outcome.reasons[0].startswith("status must be one of CREATED, PAID")
        assert outcome.reasons[1].startswith("customer.email: no customer has this email")
    assert outcome.counts == (0, 0, 4, 0)
    found = orders(shop)
    statuses = {key: order["status"] for key, order in found.items()}
    assert statuses == {"#7": "FULFILLED", "#8": "CREATED", "#9": "CANCELED", "#10": "PAID"}
    assert (found["#7"]["amount"], found["#8"]["amount"]) == (6550, 1000)
    assert found["#7"]["at"] == datetime(2026, 5, 1, 8)  # noqa: DTZ001 - as the driver gives it
    assert found["#7"]["metadata"] == {
        "Financial Status": "paid",
        "Fulfillment Status": "fulfilled",
        "Currency": "SEK",
        "Id": "900",
    }
    assert [
        (item["sku"], item["name"], item["quantity"], item["amount"])
        for item in found["#7"]["items"]
    ] == [("CUP-1", "Cup", 2, 4050), ('Plate, "big"', 'Plate, "big"', 1, 2500)]


async def test_woocommerce_orders(shop: ImportShop) -> None:
    await shop.import_file("customers", "sourceId,email\n1,w@shop.example\n")
    file = (
        "Order Number,Order Status,Order Date,Email (Billing),Order Total Amount,SKU,Item Name,"
        "Quantity (- Refund),Item Cost,Payment Method\n"
        "51,Completed,2026-05-01 10:00,w@shop.example,30.00,A,Apple,2,10.00,card\n"
        "51,Completed,2026-05-01 10:00,w@shop.example,30.00,B,Beet,1,10.00,card\n"
        "52,wc-on-hold,2026-05-01 11:00,w@shop.example,5.5,A,Apple,1,5.50,card\n"
    )
    with pytest.raises(InputError, match="has no time zone; say which, like --zone"):
        await shop.import_file("orders", file, "a.csv", preset("woocommerce-orders"))
    options = preset("woocommerce-orders", zone=ZoneInfo("Europe/Warsaw"))
    assert (await shop.import_file("orders", file, "a.csv", options)).rejects == []
    found = orders(shop)
    assert (found["51"]["status"], found["52"]["status"]) == ("FULFILLED", "CREATED")
    assert found["51"]["at"] == datetime(2026, 5, 1, 8)  # noqa: DTZ001 - as the driver gives it
    assert [(item["sku"], item["amount"]) for item in found["51"]["items"]] == [
        ("A", 2000),
        ("B", 1000),
    ]
    assert found["51"]["metadata"] == {"Payment Method": "card"}


async def test_klaviyo(shop: ImportShop) -> None:
    file = (
        "\ufeffEmail,Klaviyo ID,First Name,Last Name,Phone Number,Address,City,State / Region,"
        "Zip Code,Country,Birthday,Accepts Marketing,Points,Created\r\n"
        "k@shop.example,01K,Kai,Lo,+4912345678,Weg 1,Bonn,NRW,01067,Germany,5/9/1991,True,1.5,"
        "2025-01-02\r\n"
    )
    with pytest.raises(InputError, match=r"'Birthday' .*'5/9/1991' .*--dates dmy"):
        await shop.import_file("customers", file, "a.csv", preset("klaviyo"))
    await shop.import_file(
        "customers", file, "a.csv", preset("klaviyo", dates=DateFormat.DAY_FIRST)
    )
    assert profile(shop, "01K") == {
        "name": "Kai Lo",
        "email": "k@shop.example",
        "phone": "+4912345678",
        "birthdate": datetime(1991, 9, 5),  # noqa: DTZ001 - as the driver gives it
        "address": {
            "line1": "Weg 1",
            "city": "Bonn",
            "state": "NRW",
            "postalCode": "01067",
            "country": "Germany",
        },
        "metadata": {"Accepts Marketing": True, "Points": 1.5, "Created": "2025-01-02"},
    }


async def test_hubspot_with_its_two_columns_of_one_name(shop: ImportShop) -> None:
    file = (
        "Record ID,First Name,Last Name,Email,Lead Status,Create Date (GMT+1),Revenue,Email\n"
        '7,Hal,Ek,h@shop.example,OPEN,2024-03-12 09:14,"1.234,50",\n'
        "8,Ida,,,NEW,3/15/2024 2:30 PM,,i@shop.example\n"
        "9,Jo,,one@shop.example,NEW,,,two@shop.example\n"
    )
    outcome = await shop.import_file("customers", file, "a.csv", preset("hubspot"))
    assert outcome.rejected_lines == [4]
    assert "two different texts in the two columns 'Email'" in outcome.reasons[0]
    assert profile(shop, "7") == {
        "name": "Hal Ek",
        "email": "h@shop.example",
        "metadata": {
            "Lead Status": "OPEN",
            "Create Date (GMT+1)": "2024-03-12 09:14",
            "Revenue": "1.234,50",
        },
    }
    assert profile(shop, "8")["email"] == "i@shop.example"


async def test_mailchimp(shop: ImportShop) -> None:
    file = (
        "Email Address,First Name,Last Name,Birthday,MEMBER_RATING,LEID,EUID,NOTES,TAGS\n"
        'm@shop.example,Mo,Nu,04/07,2,4001,e1f2,,"""VIP"",""Summer, 2025"""\n'
    )
    await shop.import_file("customers", file, "a.csv", preset("mailchimp"))
    assert profile(shop, "e1f2") == {
        "name": "Mo Nu",
        "email": "m@shop.example",
        "metadata": {
            "Birthday": "04/07",
            "MEMBER_RATING": 2,
            "LEID": "4001",
            "tags": ["VIP", "Summer, 2025"],
        },
    }


async def test_stripe_customers(shop: ImportShop) -> None:
    file = (
        "id,Description,Email,Name,Created (UTC),Delinquent,Card Last4,Card Address Line1,"
        "Card Address Zip,Total Spend,plan (metadata)\n"
        "cus_S1,first,s@shop.example,Sam Ty,2024-05-06 07:08,false,0042,Road 1,02139,12.50,pro\n"
    )
    await shop.import_file("customers", file, "a.csv", preset("stripe-customers"))
    assert profile(shop, "cus_S1") == {
        "name": "Sam Ty",
        "email": "s@shop.example",
        "description": "first",
        "address": {"line1": "Road 1", "postalCode": "02139"},
        "metadata": {
            "Created (UTC)": "2024-05-06 07:08",
            "Delinquent": False,
            "Card Last4": "0042",
            "Total Spend": 12.5,
            "plan (metadata)": "pro",
        },
    }


SEGMENT = (
    '{"type": "track", "event": "Signed Up", "userId": "u1", "messageId": "m1",'
    ' "timestamp": "2026-03-04T12:00:00.623Z", "properties": {"plan": "pro"},'
    ' "context": {"ip": "::"}}\n'
    '{"type": "page", "name": "Home", "userId": "u1", "messageId": "m2",'
    ' "timestamp": "2026-03-04T12:01:00Z", "properties": {"url": "/"}}\n'
    '{"type": "identify", "userId": "u1", "messageId": "m3", "timestamp": "2026-03-04T12:02:00Z",'
    ' "traits": {"email": "u@shop.example", "firstName": "Uma", "lastName": "V", "plan": "pro",'
    ' "address": {"street": "Road 1", "city": "Bath"}}}\n'
    '{"type": "track", "event": "Signed Up", "userId": null, "messageId": "m4",'
    ' "timestamp": "2026-03-04T12:00:00Z"}\n'
)


async def test_segment(shop: ImportShop) -> None:
    with pytest.raises(InputError, match="Line 1: the row is a call of Segment; say --preset"):
        await shop.import_file("events", SEGMENT)
    for counts in ((2, 0, 0, 0), (0, 0, 2, 0)):
        events = await shop.import_file("events", SEGMENT, options=preset("segment"))
        assert (events.counts, events.rejected_lines) == (counts, [4])
        assert events.report.passed_over_count == 1
    assert "a call of an anonymous visitor belongs to no customer" in events.reasons[0]
    customers = await shop.import_file("customers", SEGMENT, options=preset("segment"))
    assert (customers.accepted_count, customers.rejected_lines) == (1, [])
    assert customers.report.passed_over_count == 3
    assert profile(shop, "u1") == {
        "name": "Uma V",
        "email": "u@shop.example",
        "address": {"line1": "Road 1", "city": "Bath"},
        "metadata": {"plan": "pro"},
    }
    stored = list(shop.database.events.find().sort("at"))
    assert [(event["name"], event["properties"]) for event in stored] == [
        ("Signed Up", {"plan": "pro"}),
        ("page", {"url": "/", "name": "Home"}),
    ]


async def test_the_given_options_precede_those_of_the_preset(shop: ImportShop) -> None:
    file = (
        "sourceId,customer.sourceId,status,amount,at\n"
        "o1,c1,refunded,1250,2026-03-04T10:00:00Z\no2,c1,Completed,1250,2026-03-04T10:00:00Z\n"
    )
    options = preset("woocommerce-orders", amounts=AmountUnit.MINOR)
    assert (await shop.import_file("orders", file, "a.csv", options)).rejects == []
    found = orders(shop)
    assert [(found[key]["status"], found[key]["amount"]) for key in ("o1", "o2")] == [
        ("CANCELED", 1250),
        ("FULFILLED", 1250),
    ]


@pytest.mark.parametrize("name", [name for name in PRESETS if name != "segment"])
def test_each_preset_is_suggested_for_its_columns(name: str) -> None:
    (row_type,) = PRESETS[name].row_types
    header = [column for column, _ in PRESETS[name].columns]
    assert suggest_preset(header, row_type) == PRESETS[name]
    assert suggest_preset(["sourceId", "email"], row_type) is None


async def test_a_header_that_a_preset_knows_names_the_preset(shop: ImportShop) -> None:
    with pytest.raises(InputError, match="Try --preset shopify-customers"):
        await shop.import_file("customers", SHOPIFY_CUSTOMERS, "a.csv")
    with pytest.raises(InputError, match="The preset segment is for NDJSON"):
        await shop.import_file("customers", SHOPIFY_CUSTOMERS, "a.csv", preset("segment"))
