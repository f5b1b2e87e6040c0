import "./shell.css";
import { useEffect, useState } from "react";
import { Link, useLocation } from "wouter";
import { ForgetKeyButton } from "../access/ForgetKeyButton";
import { openDialog } from "../keyboard/openDialog";
import { ENGAGEMENT_PAGES, ENGINE_PAGE, type Page } from "../pages";
import { ThemeSelect } from "./ThemeSelect";

const MENU_ID = "menu";

/** The links to all pages, and what belongs to no page. On a narrow screen, a button opens them. */
export function Navigation() {
  const [isOpen, setOpen] = useState(false);
  const [location] = useLocation();
  // Another page closes the menu.
  useEffect(() => setOpen(false), [location]);
  return (
    <header className="shell-header">
      <span className="shell-product">Customer segments</span>
      <button
        type="button"
        className="shell-menu-button"
        aria-expanded={isOpen}
        aria-controls={MENU_ID}
        onClick={() => setOpen(!isOpen)}
      >
        Menu
      </button>
      <div className="shell-menu" id={MENU_ID}>
        <nav aria-label="Main">
          <h2 className="shell-group" id="engagement">
            Engagement
          </h2>
          <ul aria-labelledby="engagement">
            {ENGAGEMENT_PAGES.map((page) => (
              <PageLink key={page.href} page={page} />
            ))}
          </ul>
          <h2 className="shell-group" id="developers">
            Developers
          </h2>
          <ul aria-labelledby="developers">
            <PageLink page={ENGINE_PAGE} />
            <li>
              <a href="/graphql">GraphiQL</a>
            </li>
          </ul>
        </nav>
        <div className="shell-tools">
          <button
            type="button"
            aria-keyshortcuts="Control+K"
            onClick={() => openDialog.set("finder")}
          >
            Find <kbd>Ctrl+K</kbd>
          </button>
          <button type="button" aria-keyshortcuts="?" onClick={() => openDialog.set("keys")}>
            Keyboard <kbd>?</kbd>
          </button>
          <ThemeSelect />
          <ForgetKeyButton />
        </div>
      </div>
    </header>
  );
}

function PageLink({ page: { name, href } }: { page: Page }) {
  const [location] = useLocation();
  return (
    <li>
      <Link href={href} aria-current={location.startsWith(href) ? "page" : undefined}>
        {name}
      </Link>
    </li>
  );
}
