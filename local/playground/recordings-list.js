// The recordings of a room in pages, with links to play them.

import { until } from "./countdown.js";
import { button, h } from "./dom.js";

const kinds = { complete: "good", failed: "bad" };

/** A list, which is empty at first. */
export function recordingsList() {
  const rows = h("ul", { class: "recordings" });
  const next = h("div", { class: "actions" });
  const box = h(
    "div",
    { class: "scrolling", tabindex: "0", role: "region", "aria-label": "Recordings" },
    rows,
  );
  const element = h("div", { class: "step" });
  const list = {
    element,
    count: 0,
    /** The newest recording. */
    latest: undefined,
    /** The cursor of the next page. */
    cursor: undefined,
    add,
  };
  return list;

  /** Adds a page, or begins anew with it. `stop` gets the id of a recording that runs, and `more` the next cursor. */
  function add({ recordings, cursor }, { isFirst, stop, more }) {
    const hadFocus = next.contains(document.activeElement);
    if (isFirst) {
      rows.replaceChildren();
      list.latest = recordings[0];
      box.scrollTop = 0;
    }
    const added = recordings.map((recording) => row(recording, stop));
    rows.append(...added);
    list.cursor = cursor;
    list.count = rows.children.length;
    next.replaceChildren(...(cursor ? [button("Next page", () => more(cursor))] : []));
    element.replaceChildren(...(list.count > 0 ? [box] : []), next);
    if (hadFocus) box.focus();
  }
}

function row({ egressId, status, startedAt, endedAt, sizeBytes, key, url, urlExpiresAt }, stop) {
  const start = startedAt && moment(startedAt);
  const isRunning = egressId && ["starting", "active"].includes(status);
  return h(
    "li",
    { class: "recording" },
    h(
      "div",
      { class: "recording-head" },
      h("span", { class: `badge ${kinds[status] ?? ""}` }, status),
      h("b", {}, start ?? "start unknown"),
    ),
    h(
      "div",
      { class: "recording-head" },
      url &&
        h(
          "a",
          { href: url, target: "_blank", rel: "noreferrer", "aria-label": `Play the recording of ${start}` },
          "Play",
        ),
      url && until(urlExpiresAt, { past: "the link has expired: list again" }),
      isRunning &&
        button("Stop", () => stop(egressId), {
          kind: "small",
          "aria-label": `Stop the recording of ${start}`,
        }),
    ),
    h(
      "p",
      { class: "hint" },
      [
        endedAt && `ended ${isSameDay(startedAt, endedAt) ? time(endedAt) : moment(endedAt)}`,
        endedAt && startedAt && `after ${duration(endedAt - startedAt)}`,
        sizeBytes !== undefined && size(sizeBytes),
        egressId,
      ]
        .filter(Boolean)
        .join(", "),
    ),
    h("code", { class: "key" }, key),
  );
}

function moment(seconds) {
  return new Date(seconds * 1000).toLocaleString([], { dateStyle: "medium", timeStyle: "medium" });
}

function time(seconds) {
  return new Date(seconds * 1000).toLocaleTimeString();
}

function isSameDay(...both) {
  return new Set(both.map((seconds) => new Date(seconds * 1000).toDateString())).size === 1;
}

function duration(seconds) {
  return seconds < 60 ? `${seconds} s` : `${Math.round(seconds / 60)} min`;
}

function size(bytes) {
  const units = ["bytes", "kB", "MB", "GB"];
  const power = Math.min(units.length - 1, Math.floor(Math.log10(Math.max(bytes, 1)) / 3));
  const number = bytes / 1000 ** power;
  return `${power === 0 ? number : number.toFixed(1)} ${units[power]}`;
}
