// A button that opens a small menu. It lies above everything else, so that no pane cuts it off.

import { h } from "./dom.js";
import { icon } from "./icons.js";

const EDGE = 8; // CSS pixels kept to the window's edge

// entries() is asked whenever the menu opens: [{title, act, disabled}] or, for a row of short ones, {label, row: [...]}.
export function menuButton(label, entries) {
  const list = h("div", {
    class: "menu",
    role: "menu",
    "aria-label": label,
    popover: "auto",
    onkeydown: walk,
    ontoggle: place,
  });
  const button = h(
    "button",
    {
      class: "tool more",
      "aria-label": label,
      title: label,
      "aria-haspopup": "menu",
      "aria-expanded": "false",
      onclick: open,
    },
    icon("more"),
  );

  const entry = ({ title, name, act, disabled }) =>
    h(
      "button",
      { role: "menuitem", tabindex: "-1", disabled, "aria-label": name, onclick: () => (list.hidePopover(), act()) },
      title,
    );

  function open() {
    list.replaceChildren(
      ...entries().map((one) =>
        one.row
          ? h(
              "div",
              { class: "row", role: "group", "aria-label": one.label },
              h("span", {}, one.label),
              ...one.row.map(entry),
            )
          : entry(one),
      ),
    );
    list.showPopover();
    choices()[0]?.focus();
  }

  const choices = () => [...list.querySelectorAll("button:not(:disabled)")];

  function place(event) {
    button.setAttribute("aria-expanded", String(event.newState === "open"));
    if (event.newState !== "open") return;
    const from = button.getBoundingClientRect();
    const { width, height } = list.getBoundingClientRect();
    const below = from.bottom + 4 + height <= window.innerHeight - EDGE;
    list.style.left = `${Math.max(EDGE, Math.min(from.right - width, window.innerWidth - width - EDGE))}px`;
    list.style.top = `${Math.max(EDGE, below ? from.bottom + 4 : from.top - height - 4)}px`;
  }

  function walk(event) {
    const all = choices();
    const at = all.indexOf(document.activeElement);
    const to = {
      ArrowDown: at + 1,
      ArrowRight: at + 1,
      ArrowUp: at - 1,
      ArrowLeft: at - 1,
      Home: 0,
      End: all.length - 1,
    }[event.key];
    if (event.key === "Tab") list.hidePopover();
    if (to === undefined) return;
    event.preventDefault();
    all.at(to % all.length)?.focus();
  }

  return [button, list];
}
