// What the desk's book pages do with scripts: a form with files shows how far it has come and what came of it, and a
// description is shown as it will look while somebody types. Without this both are plain forms that lead to a page. Served
// under a name with its hash, on the desk's pages only.

/** Forms in which somebody has typed or chosen something. @type {Set<HTMLFormElement>} */
const edited = new Set();
/** Forms whose files are on their way. @type {Set<HTMLFormElement>} */
const running = new Set();

/** Whether going to another page would lose something that is not `form`'s. @param {HTMLFormElement} form */
const wouldLose = (form) =>
  new URLSearchParams(location.search).has("draft") ||
  [...edited, ...running].some((other) => other !== form && other.isConnected);

/** A line below a form that is read out. @param {HTMLFormElement} form */
const line = (form) => {
  const status = form.querySelector("[role=status]") ?? form.appendChild(document.createElement("p"));
  status.setAttribute("role", "status");
  status.className = "note";
  return status;
};

/** What an answer means that leads to no page. */
const refusals = new Map([
  [401, "You are signed out. Sign in in another tab, then upload again: nothing on this page is lost."],
  [403, "Your account may not do this. Nothing has changed."],
  [404, "What this belongs to is not there any more. Nothing has changed."],
  [408, "The upload took too long. Nothing has changed."],
  [409, "Somebody else has changed this meanwhile. Load the page again, then upload again."],
  [429, "These were too many tries. Please wait a little, then upload again."],
  [503, "The store is busy with other uploads. Nothing has changed; please try again in a moment."],
]);
const UNSURE = "The files were sent, and no answer came. Load the page again to see whether they are there; sending them twice does no harm.";

/** @param {number} code @param {Document} page @param {string | null} [most] */
const refusal = (code, page, most) => {
  if (code === 502 || code === 504) return UNSURE;
  if (code === 413) {
    return most
      ? `The upload is too large: a file has at most ${most} MB. Nothing has changed.`
      : "The upload is too large for the proxy before the store. Nothing has changed.";
  }
  const own = page.querySelector("main .lead")?.textContent?.trim();
  return (
    refusals.get(code) ??
    (code < 500 && own ? own : `The store did not take the upload (${code}). Please try again; if it stays so, its log says why.`)
  );
};

/** The fields of a form as the server wrote them, without its version. @param {HTMLFormElement} form */
const written = (form) =>
  JSON.stringify(
    [...form.elements].map((field) => {
      if (field instanceof HTMLSelectElement) return [field.name, [...field.options].map((one) => one.defaultSelected)];
      if (field instanceof HTMLTextAreaElement) return [field.name, field.defaultValue];
      if (!(field instanceof HTMLInputElement) || field.name === "version") return null;
      return [field.name, field.defaultValue, field.defaultChecked];
    }),
  );

/** The form of a page that is sent where `form` is. @param {Document} page @param {HTMLFormElement} form */
const same = (page, form) =>
  [...page.forms].find((other) => other.getAttribute("action") === form.getAttribute("action"));

/**
 * Shows what a new look at the page says, except where somebody is typing. A form that was filled from an older version of
 * the book takes over the new one if nothing else of it was changed: the upload alone is no reason to say that somebody has.
 * @param {Document} page
 */
const renew = (page) => {
  for (const version of document.querySelectorAll("input[type=hidden][name=version]")) {
    if (!(version instanceof HTMLInputElement) || !version.form) continue;
    const fresh = same(page, version.form);
    const now = fresh?.querySelector("input[name=version]");
    if (fresh && now instanceof HTMLInputElement && written(fresh) === written(version.form)) version.value = now.value;
  }
  for (const id of ["sale", "cover", "files", "editions"]) {
    const [old, fresh] = [document.getElementById(id), page.getElementById(id)];
    const busy = [...edited, ...running].some((form) => old?.contains(form));
    if (old && fresh && !busy) old.replaceWith(document.importNode(fresh, true));
  }
};

/**
 * Sends the form in the background, and goes where the answer leads unless that would lose what was typed beside it. Sent
 * twice, a file is there once: trying again is safe.
 * @param {HTMLFormElement} form
 */
const upload = (form) => {
  const request = new XMLHttpRequest();
  const status = line(form);
  const bar = form.querySelector("progress") ?? form.appendChild(document.createElement("progress"));
  const button = form.querySelector("button");
  let sent = false;
  bar.setAttribute("aria-label", "Upload");
  bar.max = 1;
  bar.value = 0;
  if (button) button.disabled = true;
  status.textContent = "Uploading…";
  running.add(form);
  /** @param {string} words */
  const say = (words) => {
    running.delete(form);
    bar.remove();
    if (button) button.disabled = false;
    status.textContent = words;
  };
  request.upload.addEventListener("progress", (event) => {
    if (event.lengthComputable) bar.value = event.loaded / event.total;
  });
  request.upload.addEventListener("load", () => {
    sent = true;
    bar.removeAttribute("value");
    status.textContent = "Looking at the file…";
  });
  request.addEventListener("error", () => {
    say(sent ? UNSURE : "The upload did not arrive. Nothing has changed; please try again.");
  });
  request.addEventListener("load", () => {
    const page = new DOMParser().parseFromString(request.responseText, "text/html");
    const most = request.getResponseHeader("octavo-upload-mb");
    if (request.status !== 200) return say(refusal(request.status, page, most));
    if (new URL(request.responseURL).pathname === "/admin/login") return say(refusal(401, page));
    if (!wouldLose(form)) {
      running.delete(form);
      location.assign(request.responseURL);
      return;
    }
    const refused = new URL(request.responseURL).searchParams.has("said");
    const notice = page.querySelector(refused ? ".notice.bad" : ".notice[role=status]");
    const words = notice?.textContent?.trim() || (refused ? "The files were refused." : "The upload is there.");
    say(words);
    // What was refused is still chosen.
    if (refused) return;
    form.reset();
    edited.delete(form);
    renew(page);
    const shown = same(document, form) ?? form;
    const told = line(shown);
    told.textContent = `${words} What else you have typed on this page is still here, and not saved yet. `;
    const link = told.appendChild(document.createElement("a"));
    link.href = request.responseURL;
    link.textContent = "Load the page without it";
    if (shown !== form) shown.querySelector("button")?.focus();
  });
  request.open("POST", form.action);
  request.setRequestHeader("Accept", "text/html");
  request.send(new FormData(form));
};

document.addEventListener("input", ({ target }) => {
  const form = target instanceof Element ? target.closest("form") : null;
  if (form) edited.add(form);
});

// Here and not at each form: forms come anew with what was uploaded.
document.addEventListener("submit", (event) => {
  const form = event.target;
  if (!(form instanceof HTMLFormElement) || form.enctype !== "multipart/form-data") return;
  event.preventDefault();
  if (!running.has(form)) upload(form);
});

const description = document.querySelector('textarea[name="book[description]"]');
const asks = document.querySelector("button[name=preview]");
if (description && asks) {
  let shown = document.querySelector(".book-form .prose");
  let waiting;
  const show = async () => {
    const answer = await fetch("/actions/admin-preview-description", {
      method: "POST",
      headers: { Accept: "application/json" },
      body: new URLSearchParams({ description: description.value }),
    });
    // The server's HTML, which is sanitised there.
    if (answer.ok) shown.innerHTML = await answer.json();
  };
  asks.addEventListener("click", (event) => {
    event.preventDefault();
    if (!shown) {
      const panel = document.createElement("section");
      panel.className = "panel wide";
      panel.setAttribute("aria-label", "How the description will look");
      panel.setAttribute("aria-live", "polite");
      shown = panel.appendChild(document.createElement("div"));
      shown.className = "prose";
      description.closest("label").after(panel);
    }
    show();
  });
  description.addEventListener("input", () => {
    clearTimeout(waiting);
    if (shown) waiting = setTimeout(show, 400);
  });
}
