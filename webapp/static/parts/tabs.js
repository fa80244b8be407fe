// A row of tabs over the rooms of a pane. All rooms stay built; the tabs show one of them at a time. Where there is no room
// for all panes side by side, the one that was used last is in front: see page.css. Both are remembered.

import { h } from "./dom.js";
import { readStorage, writeStorage } from "./storage.js";

const STORAGE_KEY = "gansynth-studio:tabs";
const PANES = { library: "Sounds", stage: "Stage", panel: "Shape" };

// {pane: room} of what each pane shows, `front`: the pane before the others, `side`: the one beside the stage.
const chosen = { front: "stage", side: "library", ...remembered() };

function remembered() {
  try {
    const stored = JSON.parse(readStorage(STORAGE_KEY) ?? "{}");
    return Object.fromEntries(Object.entries(stored).filter(([, name]) => typeof name === "string"));
  } catch {
    return {};
  }
}

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

function bringToFront(pane) {
  chosen.front = pane;
  if (pane !== "stage") chosen.side = pane;
  const desk = document.getElementById("desk");
  if (desk) Object.assign(desk.dataset, { front: chosen.front, side: chosen.side });
  window.dispatchEvent(new CustomEvent("studio:front", { detail: pane }));
  writeStorage(STORAGE_KEY, JSON.stringify(chosen));
}

// The switch between panes of a phone, or a row of tabs: the former without `pane`.
export function frame(host, { props, signal }) {
  const { pane, label, tabs } = props.value ?? {};
  if (!pane) return paneSwitch(host, signal);
  host.classList.toggle("single", tabs.length === 1);
  const buttons = tabs.map(([room, title]) =>
    h(
      "button",
      { role: "tab", id: `tab-${room}`, "aria-controls": room, onclick: () => go(room), onkeydown: walk },
      title,
    ),
  );
  host.append(h("div", { class: "tabs", role: "tablist", "aria-label": label }, ...buttons));
  tabs.forEach(([room], index) => drawCount(room, buttons[index]));

  function choose(room) {
    chosen[pane] = room;
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

  function go(room) {
    choose(room);
    bringToFront(pane);
  }

  function walk(event) {
    const by = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (!by) return;
    event.preventDefault();
    const at = (buttons.indexOf(event.currentTarget) + by + tabs.length) % tabs.length;
    go(tabs[at][0]);
    buttons[at].focus();
  }

  const names = tabs.map(([room]) => room);
  window.addEventListener("studio:show", ({ detail }) => names.includes(detail) && go(detail), { signal });
  choose(names.includes(chosen[pane]) ? chosen[pane] : names[0]);
  bringToFront(chosen.front in PANES ? chosen.front : "stage");
}

function paneSwitch(host, signal) {
  const buttons = Object.entries(PANES).map(([pane, title]) =>
    h("button", { "data-pane": pane, onclick: () => bringToFront(pane) }, title),
  );
  host.append(h("div", { class: "segments", role: "group", "aria-label": "Part of the desk" }, ...buttons));
  const draw = () => {
    for (const button of buttons) button.setAttribute("aria-pressed", String(button.dataset.pane === chosen.front));
  };
  window.addEventListener("studio:front", draw, { signal });
  draw();
}
