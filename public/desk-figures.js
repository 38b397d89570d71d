// What the desk's overview does with scripts: reading along the line with the pointer or the arrow keys, the days before
// on and off, a drag to zoom, and figures that stay new while the page is open. Without this the same figures are in the
// page, and loading it again makes them new. Served under a name with its hash, on this page only.

const svg = (name, attributes) => {
  const element = document.createElementNS("http://www.w3.org/2000/svg", name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  return element;
};

/** Makes the line readable; called again whenever the figures are new. */
const enliven = (figures) => {
  const panel = figures.querySelector(".trend");
  const plot = panel?.querySelector(".plot");
  const drawing = plot?.querySelector("svg");
  const rows = [...(panel?.querySelectorAll("tbody tr") ?? [])];
  if (!drawing || rows.length === 0) return;
  const [, , width, height] = drawing.getAttribute("viewBox").split(" ").map(Number);
  const read = panel.querySelector(".read");
  const along = (place) => (rows.length > 1 ? (place * width) / (rows.length - 1) : width / 2);
  const rule = drawing.appendChild(svg("line", { class: "rule", y1: 0, y2: height, "vector-effect": "non-scaling-stroke" }));
  const zoom = drawing.appendChild(svg("rect", { class: "zoom", y: 0, height, width: 0 }));
  let place = -1;
  let began = null;

  const show = (next) => {
    place = Math.max(0, Math.min(rows.length - 1, next));
    const { value, was, then } = rows[place].dataset;
    const when = rows[place].querySelector("th").textContent;
    const before = was && !panel.classList.contains("alone") ? ` · ${then}: ${was}` : "";
    read.textContent = `${when}: ${value}${before}`;
    read.hidden = false;
    rule.setAttribute("x1", along(place));
    rule.setAttribute("x2", along(place));
    rule.classList.add("shown");
  };
  const hide = () => {
    rule.classList.remove("shown");
    read.hidden = true;
  };
  const at = (event) => {
    const box = drawing.getBoundingClientRect();
    return Math.round(((event.clientX - box.left) / box.width) * (rows.length - 1)) || 0;
  };
  const clear = () => {
    began = null;
    zoom.setAttribute("width", 0);
  };

  drawing.setAttribute("tabindex", "0");
  drawing.addEventListener("pointermove", (event) => {
    show(at(event));
    if (began === null) return;
    const [first, last] = [along(Math.min(began, place)), along(Math.max(began, place))];
    zoom.setAttribute("x", first);
    zoom.setAttribute("width", last - first);
  });
  drawing.addEventListener("pointerleave", () => {
    hide();
    clear();
  });
  drawing.addEventListener("pointerdown", (event) => {
    if (event.pointerType === "mouse" && event.button === 0) began = Math.max(0, Math.min(rows.length - 1, at(event)));
  });
  drawing.addEventListener("pointerup", () => {
    if (began === null) return;
    const [first, last] = [Math.min(began, place), Math.max(began, place)];
    clear();
    if (last === first) return;
    const address = new URL(location.href);
    address.searchParams.delete("days");
    address.searchParams.delete("by");
    address.searchParams.set("from", rows[first].dataset.from);
    address.searchParams.set("until", rows[last].dataset.until);
    location.assign(address);
  });
  drawing.addEventListener("focus", () => show(place < 0 ? rows.length - 1 : place));
  drawing.addEventListener("blur", hide);
  drawing.addEventListener("keydown", (event) => {
    const steps = { ArrowLeft: -1, ArrowRight: 1, PageUp: -7, PageDown: 7, Home: -rows.length, End: rows.length };
    const step = steps[event.key];
    if (step === undefined) return;
    event.preventDefault();
    show(place + step);
  });

  const key = panel.querySelector(".key");
  if (!key) return;
  for (const [part, label] of [
    ["now", "These days"],
    ["then", "The days before"],
  ]) {
    const button = document.createElement("button");
    button.type = "button";
    button.className = `toggle ${part}`;
    button.setAttribute("aria-pressed", "true");
    button.textContent = `${label}: ${key.querySelector(`.${part}`).textContent}`;
    button.addEventListener("click", () => {
      const on = button.getAttribute("aria-pressed") !== "true";
      button.setAttribute("aria-pressed", String(on));
      panel.classList.toggle(part === "then" ? "alone" : "without", !on);
    });
    key.querySelector(`.${part}`).replaceWith(button);
  }
};

/** Puts the figures of the page as it is now in the place of those that are shown. Nobody has asked for that: it does not
 * keep the session alive. */
const renew = async () => {
  const answer = await fetch(location.href, { headers: { Accept: "text/html", "X-Automatic": "1" } });
  if (!answer.ok || answer.redirected) return;
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  const [old, fresh] = [document.querySelector(".figures"), page.querySelector(".figures")];
  if (!old || !fresh) return;
  // Whoever is choosing days or reading along the line is not disturbed.
  if (old.contains(document.activeElement) && document.activeElement !== document.body) {
    for (const part of [".tiles", ".breakdowns"]) old.querySelector(part)?.replaceWith(fresh.querySelector(part));
    return;
  }
  const open = [...old.querySelectorAll("details")].map((details) => details.open);
  fresh.querySelectorAll("details").forEach((details, place) => {
    details.open = open[place] ?? false;
  });
  old.replaceWith(fresh);
  enliven(fresh);
};

const figures = document.querySelector(".figures");
if (figures) {
  enliven(figures);
  let source = null;
  let busy = false;
  let again = false;
  /** One at a time, and with a rest after each; what comes meanwhile is one more. */
  const changed = async () => {
    again = true;
    if (busy) return;
    busy = true;
    while (again && source) {
      again = false;
      await renew().catch(() => {});
      await new Promise((done) => setTimeout(done, 400));
    }
    busy = false;
  };
  let first = true;
  let rest = 5000;
  /** A page that nobody looks at keeps no line open: a browser has six to a store. */
  const listen = () => {
    if (document.hidden) {
      source?.close();
      source = null;
      return;
    }
    if (source && source.readyState !== EventSource.CLOSED) return;
    source = new EventSource(figures.dataset.live);
    source.addEventListener("open", () => {
      document.documentElement.setAttribute("data-live", "");
      // What came between the page, or the last word, and now has not been told.
      if (!first) void changed();
      first = false;
      rest = 5000;
    });
    source.addEventListener("message", () => void changed());
    // A proxy's error ends it for good: the browser does not try again. Nor does a session that is over: less and less often.
    source.addEventListener("error", () => {
      if (source?.readyState !== EventSource.CLOSED) return;
      setTimeout(listen, rest);
      rest = Math.min(rest * 2, 300_000);
    });
  };
  listen();
  document.addEventListener("visibilitychange", listen);
  addEventListener("pagehide", () => {
    source?.close();
    source = null;
  });
  addEventListener("pageshow", listen);
}
