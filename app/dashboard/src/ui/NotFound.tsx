import { Link } from "wouter";
import { routes } from "../routes";

export function NotFound() {
  return (
    <>
      <title>Not found · Customer segments</title>
      <h1>There is no such page</h1>
      <p>
        <Link href={routes.segments}>Show all segments</Link>
      </p>
    </>
  );
}
