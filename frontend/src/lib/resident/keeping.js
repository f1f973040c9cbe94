// Keeping the link of one's own report: copied, or sent to oneself.
export function startKeeping() {
  const link = document.getElementById("link");
  if (!link) return;
  link.addEventListener("focus", () => link.select());
  const copy = document.getElementById("copy");
  const told = document.getElementById("copy-told");
  copy.addEventListener("click", async () => {
    try {
      await navigator.clipboard.writeText(link.value);
    } catch {
      link.select();
      document.execCommand("copy");
    }
    told.textContent = copy.dataset.done;
  });
  const share = document.getElementById("share");
  if (navigator.share) {
    share.hidden = false;
    share.addEventListener("click", () => {
      navigator.share({ title: share.dataset.title, url: link.value }).catch(() => {});
    });
  }
}
