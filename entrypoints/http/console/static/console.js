// What pages need beyond htmx: copy, confirm, and focus on what went wrong. No inline code anywhere else.
document.addEventListener("click", async (event) => {
  const button = event.target.closest("[data-copy]");
  if (!button) return;
  try {
    await navigator.clipboard.writeText(button.dataset.copy);
    const before = button.textContent;
    button.textContent = "Copiado";
    setTimeout(() => { button.textContent = before; }, 1500);
  } catch {
    const range = document.createRange();
    range.selectNodeContents(button.previousElementSibling);
    getSelection().removeAllRanges();
    getSelection().addRange(range);
  }
});
document.addEventListener("submit", (event) => {
  const question = event.submitter?.dataset.confirm || event.target.dataset.confirm;
  if (question && !confirm(question)) {
    event.preventDefault();
    event.stopImmediatePropagation();
  }
}, true);
const focusOnErrors = () => document.getElementById("erros")?.focus();
document.addEventListener("DOMContentLoaded", focusOnErrors);
document.addEventListener("htmx:after:swap", focusOnErrors);
document.addEventListener("htmx:after:request", (event) => event.target.closest?.("form[data-clears]")?.reset());
