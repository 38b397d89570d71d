// Brings the islands to life: when the browser is idle, or at once when somebody touches one. Until then (and if this
// never arrives) every form and link works by itself. Served under a name with its hash; the page passes the names of
// the WebAssembly module in data attributes.
const { js, wasm } = document.querySelector("script[data-wasm]").dataset;
let begun;

const begin = () =>
  (begun ??= import(js).then(async (module) => {
    await module.default({ module_or_path: wasm });
    module.hydrate();
    // Each is begun in its turn, and none waits for another: one whose own chunk does not arrive never wakes, nor says so.
    const wake = async (island) => module[island.dataset.component]?.(island);
    await Promise.allSettled([...document.querySelectorAll("leptos-island")].map(wake));
    // All of them live.
    document.documentElement.dataset.hydrated = "";
  }));

const touched = (event) => event.target.closest?.("leptos-island") && begin();

const watch = () => {
  for (const type of ["pointerover", "pointerdown", "focusin", "touchstart"]) {
    addEventListener(type, touched, { capture: true, passive: true });
  }
  const idle = window.requestIdleCallback ?? setTimeout;
  idle(begin, { timeout: 3000 });
};

if (document.prerendering) document.addEventListener("prerenderingchange", watch, { once: true });
else watch();
