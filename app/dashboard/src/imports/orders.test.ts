import { expect, test } from "vitest";
import { parseRows } from "../lists/entries";
import { areOrders } from "./orders";

function judge(text: string): boolean {
  const [heading, ...rows] = parseRows(text);
  return areOrders(heading?.cells ?? [], rows);
}

test.each([
  "Name,Email,Total,Lineitem name\n#1,a@shop.example,5,Cup",
  "Order Number,Email (Billing),Order Total Amount\n1,a@shop.example,5",
  "order_id,customer_email,order_total\n1,a@shop.example,5",
  "sourceId,customer.sourceId,amount,at\n1,anna,500,2026-01-01",
  "Email,Total\na@shop.example,5\na@shop.example,6",
])("orders are recognized: %s", (text) => {
  expect(judge(text)).toBe(true);
});

test.each([
  "Customer ID,Email,Total Spent,Total Orders\n1,a@shop.example,5,2",
  "Email,Total\na@shop.example,5\nb@shop.example,5\n,5\n,5",
  "sourceId,name\nanna,Anna\nanna,Ann",
  "sourceId,metadata.orders_total,last_order_id\nanna,5,1",
])("customers are not taken for orders: %s", (text) => {
  expect(judge(text)).toBe(false);
});
