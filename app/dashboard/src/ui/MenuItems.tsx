import { type KeyboardEvent, type MouseEvent, useEffect, useRef } from "react";
import { Link } from "wouter";
import { findNextItem } from "./menuKeys";

/** Something that a menu opens or does. */
export type MenuItem = { name: string } & ({ href: string } | { act: () => void });

interface Props {
  label: string;
  items: readonly MenuItem[];
}

/** The items of a menu that has opened. The first one gets the focus, and keys move it. */
export function MenuItems({ label, items }: Props) {
  const menu = useRef<HTMLDivElement>(null);
  useEffect(() => menu.current?.querySelector<HTMLElement>("[role=menuitem]")?.focus(), []);
  return (
    <div
      ref={menu}
      role="menu"
      tabIndex={-1}
      aria-label={label}
      onClick={closeMenu}
      onKeyDown={handleKey}
    >
      {items.map((item) =>
        "href" in item ? (
          <Link key={item.name} role="menuitem" tabIndex={-1} href={item.href}>
            {item.name}
          </Link>
        ) : (
          <button
            key={item.name}
            type="button"
            role="menuitem"
            tabIndex={-1}
            onClick={() => item.act()}
          >
            {item.name}
          </button>
        ),
      )}
    </div>
  );
}

/** Closes the menu, which gives the focus back to its button. */
function closeMenu({ currentTarget }: MouseEvent | KeyboardEvent) {
  currentTarget.closest<HTMLElement>("[popover]")?.hidePopover();
}

function handleKey(event: KeyboardEvent<HTMLElement>) {
  const { key, currentTarget, target, ctrlKey, metaKey, altKey } = event;
  if (ctrlKey || metaKey || altKey) return;
  // The browser then goes on from the button.
  if (key === "Tab") return closeMenu(event);
  if (key === " ") {
    if (!(target instanceof HTMLAnchorElement)) return;
    // Space presses a button, but no link.
    target.click();
  }
  const items = [...currentTarget.querySelectorAll<HTMLElement>("[role=menuitem]")];
  const next = findNextItem(
    key,
    items.indexOf(target as HTMLElement),
    items.map((item) => item.textContent),
  );
  if (next !== undefined) items[next]?.focus();
  // Letters are no shortcuts of the page here, and arrows do not scroll it.
  if (next !== undefined || key.length === 1) event.preventDefault();
}
