// A row of tabs over the rooms of a pane. All rooms stay built; the tabs show one of them at a time.

import { h } from "./dom.js";

// Brings a room to the front of its pane, wherever that is.
export function show(room) {
  window.dispatchEvent(new CustomEvent("studio:show", { detail: room }));
}

const counts = new Map(); // room -> {number, what}

// Shows a number beside the title of a room's tab, as in "Pack 3"; none for 0. `what` says what it counts.
export function countTab(room, number, what) {
  counts.set(room, { number, what });
  drawCount(room, document.getElementById(`tab-${room}`));
}

function drawCount(room, tab) {
  const { number, what } = counts.get(room) ?? { number: 0 };
  tab?.querySelector(".count")?.remove();
  tab?.removeAttribute("aria-description");
  if (!tab || !number) return;
  tab.setAttribute("aria-description", what);
  tab.append(h("span", { class: "count", title: what, "aria-hidden": "true" }, String(number)));
}

// Calls `listener` whenever `room` comes to the front of its pane, until `signal` aborts.
export function onShown(room, listener, signal) {
  const shown = (event) => event instanceof CustomEvent && event.detail === room && listener();
  window.addEventListener("studio:shown", shown, { signal });
}

const chosen = new Map(); // pane -> room, so that a pane that Gradio builds again shows what it showed

export function frame(host, { props, signal }) {
  const { pane, label, tabs } = props.value;
  host.classList.toggle("single", tabs.length === 1);
  const buttons = tabs.map(([room, title]) =>
    h(
      "button",
      { role: "tab", id: `tab-${room}`, "aria-controls": room, onclick: () => choose(room), onkeydown: walk },
      title,
    ),
  );
  host.append(h("div", { class: "tabs", role: "tablist", "aria-label": label }, ...buttons));
  tabs.forEach(([room], index) => drawCount(room, buttons[index]));

  function choose(room) {
    chosen.set(pane, room);
    tabs.forEach(([name], index) => {
      const open = name === room;
      buttons[index].setAttribute("aria-selected", String(open));
      buttons[index].tabIndex = open ? 0 : -1;
      const body = document.getElementById(name);
      body?.classList.toggle("away", !open);
      body?.setAttribute("role", "tabpanel");
      body?.setAttribute("aria-labelledby", `tab-${name}`);
    });
    window.dispatchEvent(new CustomEvent("studio:shown", { detail: room }));
  }

  function walk(event) {
    const by = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (!by) return;
    event.preventDefault();
    const at = (buttons.indexOf(event.currentTarget) + by + tabs.length) % tabs.length;
    choose(tabs[at][0]);
    buttons[at].focus();
  }

  const names = tabs.map(([room]) => room);
  window.addEventListener("studio:show", ({ detail }) => names.includes(detail) && choose(detail), { signal });
  choose(chosen.get(pane) ?? names[0]);
}
