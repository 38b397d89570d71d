// What the desk's book pages do with scripts: a form with files shows how far it has come, and a description is shown as
// it will look while somebody types. Without this both are plain forms that lead to a page. Served under a name with its
// hash, on the desk's pages only.

/** A line below a form that is read out. */
const line = (form) => {
  const status = form.querySelector("[role=status]") ?? form.appendChild(document.createElement("p"));
  status.setAttribute("role", "status");
  status.className = "note";
  return status;
};

/** Sends the form in the background and goes where the answer leads. Sent twice, a file is there once: trying again is safe. */
const upload = (form) => {
  const request = new XMLHttpRequest();
  const status = line(form);
  const bar = form.querySelector("progress") ?? form.appendChild(document.createElement("progress"));
  const button = form.querySelector("button");
  bar.setAttribute("aria-label", "Upload");
  bar.max = 1;
  bar.value = 0;
  button.disabled = true;
  status.textContent = "Uploading…";
  const failed = () => {
    bar.remove();
    button.disabled = false;
    status.textContent = "The upload did not arrive. Nothing has changed; please try again.";
  };
  request.upload.addEventListener("progress", (event) => {
    if (event.lengthComputable) bar.value = event.loaded / event.total;
  });
  request.upload.addEventListener("load", () => {
    bar.removeAttribute("value");
    status.textContent = "Looking at the file…";
  });
  request.addEventListener("error", failed);
  request.addEventListener("load", () => {
    if (request.status === 200) location.assign(request.responseURL);
    else failed();
  });
  request.open("POST", form.action);
  request.setRequestHeader("Accept", "text/html");
  request.send(new FormData(form));
};

for (const form of document.querySelectorAll('form[enctype="multipart/form-data"]')) {
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    upload(form);
  });
}

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
