// Keeps the board live, and says so plainly when it is not.
"use strict";
(() => {
  // The station sends a board or a beat at least every 10 s.
  const SILENCE_MS = 25000;
  const RETRY_MS = 3000;
  // A click takes less; a newer board never waits longer for somebody's hand.
  const HOLD_MS = 2000;
  const CLICK_MS = 100;
  const board = document.getElementById("board");
  const live = document.getElementById("live");
  const lost = document.getElementById("lost");
  const lostSince = document.getElementById("lost-since");
  let heard = Date.now();
  let listening = Date.now();
  // "connecting" until the first board or beat, then "live" or "lost".
  let state = "connecting";
  let source = null;
  // The newest board that waits until the hand is off the page, and how long it may wait.
  let held = null;
  let holding = null;
  let isPressed = false;
  let isChoosing = false;

  const clock = (ms) =>
    new Date(ms).toTimeString().slice(0, 8);

  // What somebody is typing, has chosen or has unfolded survives the swap.
  const remember = () => {
    const fields = new Map();
    for (const it of board.querySelectorAll("input[id], select[id]")) fields.set(it.id, it.value);
    const open = [...board.querySelectorAll("details[id][open]")].map((it) => it.id);
    const active = board.contains(document.activeElement) ? document.activeElement : null;
    const at = active && active.tagName === "INPUT" ? active.selectionStart : null;
    return { fields, open, focus: active && active.id, at };
  };

  const restore = ({ fields, open, focus, at }) => {
    for (const [id, value] of fields) {
      const it = document.getElementById(id);
      if (it && it.value !== value) it.value = value;
    }
    for (const id of open) document.getElementById(id)?.setAttribute("open", "");
    const it = focus && document.getElementById(focus);
    if (it) {
      it.focus({ preventScroll: true });
      if (at !== null && it.setSelectionRange) it.setSelectionRange(at, at);
    }
  };

  const title = () => {
    const waiting = document.getElementById("worklist")?.dataset.waiting ?? "0";
    document.title = waiting === "0" ? "Worklist" : `(${waiting}) Worklist`;
  };

  const WORDS = { connecting: "Connecting", live: "Live", lost: "Not live" };

  const show = () => {
    const isLost = state === "lost";
    lost.hidden = !isLost;
    live.classList.toggle("on", state === "live");
    document.body.classList.toggle("stale", isLost);
    live.textContent = WORDS[state];
    lostSince.textContent = clock(heard);
  };

  const hear = () => {
    heard = Date.now();
    state = "live";
    show();
  };

  const swap = () => {
    clearTimeout(holding);
    holding = null;
    if (held === null) return;
    const html = held;
    held = null;
    const kept = remember();
    board.innerHTML = html;
    restore(kept);
    isPressed = false;
    isChoosing = false;
    title();
  };

  // A button that is replaced between press and release loses its click, an open list closes.
  const take = (html) => {
    held = html;
    if (!isPressed && !isChoosing) swap();
    else holding ??= setTimeout(swap, HOLD_MS);
  };

  // The click comes after the release; on a touch screen a moment later.
  const release = () => {
    isPressed = false;
    setTimeout(() => {
      if (!isPressed && !isChoosing) swap();
    }, CLICK_MS);
  };

  const settle = () => {
    isChoosing = false;
    release();
  };

  const isList = (event) => event.target.tagName === "SELECT";

  const watch = () => {
    board.addEventListener("pointerdown", (event) => {
      isPressed = true;
      if (isList(event)) isChoosing = true;
    });
    for (const it of ["pointerup", "pointercancel"]) window.addEventListener(it, release);
    window.addEventListener("blur", settle);
    // What an input method composes is lost with the field, like the choice in an open list.
    board.addEventListener("compositionstart", () => { isChoosing = true; });
    board.addEventListener("compositionend", settle);
    board.addEventListener("change", settle);
    board.addEventListener("focusout", settle);
  };

  const listen = () => {
    listening = Date.now();
    source = new EventSource("/events");
    source.addEventListener("board", (event) => {
      take(event.data);
      hear();
    });
    source.addEventListener("beat", hear);
    source.onerror = () => {
      state = "lost";
      show();
      // The browser tries again by itself unless the answer was an error.
      if (source.readyState === EventSource.CLOSED) setTimeout(listen, RETRY_MS);
    };
  };

  setInterval(() => {
    if (Date.now() - Math.max(heard, listening) >= SILENCE_MS) {
      // A half-open connection: give it up and make a new one.
      state = "lost";
      source.close();
      listen();
    }
    show();
  }, 1000);
  title();
  show();
  watch();
  listen();
})();
