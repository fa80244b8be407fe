// Every icon of the page: SVG paths on a 24 x 24 grid.

const PATHS = {
  basket: ["M4 9h16l-1.6 10H5.6z", "M8.5 9 12 3.5 15.5 9"],
  between: ["M9 6a6 6 0 1 0 0 12A6 6 0 0 0 9 6Z", "M15 6a6 6 0 1 0 0 12 6 6 0 0 0 0-12Z"],
  bin: ["M5 7h14M10 7V4.5h4V7M7 7l1 13h8l1-13"],
  clock: ["M12 4a8 8 0 1 0 0 16 8 8 0 0 0 0-16Z", "M12 8v4.2l3 1.8"],
  close: ["M6 6l12 12M18 6 6 18"],
  compare: ["M12 4v16M8 20h8M5 7h14M5 7l-2.7 7h5.4zM19 7l-2.7 7h5.4z"],
  dice: ["M4 4h16v16H4z", "M8.5 8.5h.01M15.5 8.5h.01M12 12h.01M8.5 15.5h.01M15.5 15.5h.01"],
  down: ["M12 5v14M6 13l6 6 6-6"],
  download: ["M12 4v11M7 11l5 5 5-5M5 20h14"],
  hand: [
    "M8 12V6.5a1.5 1.5 0 0 1 3 0V11M11 10.5V5a1.5 1.5 0 0 1 3 0v6M14 11V6.5a1.5 1.5 0 0 1 3 0V14a6 6 0 0 1-6 6c-3 0-4-1.5-6-5.5a1.5 1.5 0 0 1 2.6-1.5L8 14",
  ],
  help: ["M8.5 9.2a3.5 3.5 0 1 1 5.2 3.1c-1.1.6-1.7 1.3-1.7 2.7M12 18.600h.01"],
  lasso: [
    "M7 15c-2.5-1-4-2.6-4-4.5C3 7 7 4.500 12 4.500s9 2.500 9 6-4 6-9 6c-1 0-2-.1-3-.3M9 16.200a2 2 0 1 1-4 0 2 2 0 0 1 4 0ZM7 18.200c0 1.300-.6 2.300-2 2.800",
  ],
  like: ["M4 9.500c2.700-3 5.300-3 8 0s5.300 3 8 0", "M4 15.500c2.700-3 5.300-3 8 0s5.300 3 8 0"],
  link: ["M10 14.2a4 4 0 0 0 6 .4l3-3A4 4 0 0 0 13.4 6l-1.2 1.1M14 9.8a4 4 0 0 0-6-.4l-3 3a4 4 0 0 0 5.6 5.6l1.2-1.1"],
  lock: ["M7 11V8a5 5 0 0 1 10 0v3", "M5 11h14v9H5z"],
  loop: ["M17 3l3 3-3 3M20 6H8a4 4 0 0 0-4 4v1M7 21l-3-3 3-3M4 18h12a4 4 0 0 0 4-4v-1"],
  mark: ["M3 15v-6", "M7.5 19V5", "M12 21V3", "M16.5 17V7", "M21 14v-4"],
  microphone: [
    "M12 3.500a2.800 2.800 0 0 0-2.800 2.800v5a2.800 2.800 0 0 0 5.600 0v-5A2.800 2.800 0 0 0 12 3.500Z",
    "M6 11a6 6 0 0 0 12 0M12 17v3.500",
  ],
  midi: ["M12 3a9 9 0 1 0 0 18 9 9 0 0 0 0-18Z", "M7.5 12h.01M9 8.5h.01M12 7h.01M15 8.5h.01M16.5 12h.01"],
  moon: ["M20 14.5A8.5 8.5 0 0 1 9.5 4a8.5 8.5 0 1 0 10.5 10.5Z"],
  more: ["M5 12h.01", "M12 12h.01", "M19 12h.01"],
  next: ["M9 5l7 7-7 7"],
  notes: [
    "M9 18V5.5l11-2v12",
    "M9 18a2.8 2.8 0 1 1-5.6 0A2.8 2.8 0 0 1 9 18ZM20 15.5a2.8 2.8 0 1 1-5.6 0 2.8 2.8 0 0 1 5.6 0Z",
  ],
  open: ["M3.5 18.5v-12h6l2 2.5h9v9.5z"],
  pause: ["M8.5 6v12M15.5 6v12"],
  pen: ["M5 19l1-4L16.5 4.5l3 3L9 18z"],
  picture: ["M4 5h16v14H4zM4 16l5-5 4 4 3-3 4 4M15.5 9h.01"],
  pin: ["M9 4h6l-1 6 3.5 3.5h-11L10 10zM12 13.5V20"],
  play: ["M8 5.5v13l10.5-6.5z"],
  plus: ["M12 5v14M5 12h14"],
  previous: ["M15 5l-7 7 7 7"],
  redo: ["M15 7H9a5 5 0 0 0 0 10h7M15 3l4 4-4 4"],
  save: ["M5 4h11l3 3v13H5zM8.5 4v4.5h6V4M8 20v-6.5h8V20"],
  search: ["M10.5 4a6.5 6.5 0 1 0 0 13 6.5 6.5 0 0 0 0-13ZM20 20l-4.7-4.7"],
  showAll: ["M4 9V4h5M15 4h5v5M20 15v5h-5M9 20H4v-5"],
  sound: ["M4 9.5v5h3.5L12 18.5v-13L7.5 9.5zM15.5 9a4 4 0 0 1 0 6M18 6.5a8 8 0 0 1 0 11"],
  star: ["M12 3.6l2.6 5.3 5.8.8-4.2 4.1 1 5.8-5.2-2.7-5.2 2.7 1-5.8L3.6 9.7l5.8-.8z"],
  stop: ["M7 7h10v10H7z"],
  sun: [
    "M12 4V2M12 22v-2M4 12H2M22 12h-2M6.3 6.3 4.9 4.9M19.1 19.1l-1.4-1.4M6.3 17.7l-1.4 1.4M19.1 4.9l-1.4 1.4",
    "M12 8a4 4 0 1 0 0 8 4 4 0 0 0 0-8Z",
  ],
  swap: ["M7 7h13M16 3l4 4-4 4M17 17H4M8 13l-4 4 4 4"],
  undo: ["M9 7H15a5 5 0 0 1 0 10H8M9 3 5 7l4 4"],
  unlock: ["M7 11V8a5 5 0 0 1 9.6-2", "M5 11h14v9H5z"],
  up: ["M12 19V5M6 11l6-6 6 6"],
  wave: ["M3 12h2l2-5 3 11 3-14 3 12 2-4h3"],
  zoomIn: ["M12 6v12M6 12h12"],
  zoomOut: ["M6 12h12"],
};

// The icon called `name`, in the text's colour.
export function icon(name) {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  for (const [attribute, value] of Object.entries({ viewBox: "0 0 24 24", class: "icon", "aria-hidden": "true" })) {
    svg.setAttribute(attribute, value);
  }
  for (const data of PATHS[name]) {
    const path = document.createElementNS("http://www.w3.org/2000/svg", "path");
    path.setAttribute("d", data);
    svg.append(path);
  }
  return svg;
}
