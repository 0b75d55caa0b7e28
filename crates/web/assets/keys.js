// Keys for a desk that is worked all day: j and k move, a letter presses the button that names it.
// Without this script every one of them is a link or a button all the same.
document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.target.closest("input, textarea, select")) {
    if (event.key === "Escape") event.target.blur();
    return;
  }
  if (event.key === "j" || event.key === "k") {
    const links = [...document.querySelectorAll("[data-move]")];
    const at = links.indexOf(document.activeElement);
    const next = links[at < 0 ? 0 : at + (event.key === "j" ? 1 : -1)];
    if (next) { next.focus(); next.scrollIntoView({ block: "nearest" }); event.preventDefault(); }
    return;
  }
  const button = document.querySelector(`[data-key="${CSS.escape(event.key)}"]`);
  if (!button) return;
  event.preventDefault();
  // A decision that needs its reason waits for it; the button is one Tab away.
  const reason = document.getElementById("reason");
  if (reason && !reason.value.trim()) { reason.focus(); return; }
  button.click();
});
