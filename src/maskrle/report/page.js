
"use strict";
{
  const byId = (id) => document.getElementById(id);
  const form = byId("filter");
  const boxes = [...form.querySelectorAll("input[type=checkbox]")];
  const [least, most] = [byId("least"), byId("most")];
  const cards = [...document.querySelectorAll(".card")].map((card) => ({
    card,
    count: card.querySelector("figcaption output"),
    instances: [...card.querySelectorAll("path")].map((path) => ({
      path,
      label: path.getAttribute("class"),
      score: Number(path.dataset.s),
    })),
  }));
  const total = cards.reduce((sum, { instances }) => sum + instances.length, 0);
  const many = (count, thing) => `${count.toLocaleString("en")} ${thing}${count === 1 ? "" : "s"}`;

  // At its end, a slider leaves out nothing: scores have more digits than it has steps.
  const above = () => (Number(least.value) === Number(least.min) ? -Infinity : Number(least.value));
  const below = () => (Number(most.value) === Number(most.max) ? Infinity : Number(most.value));

  function show() {
    const labels = new Set(boxes.filter((box) => box.checked).map((box) => box.value));
    const [from, to] = [above(), below()];
    const filtered = labels.size < boxes.length || from > -Infinity || to < Infinity;
    let [pictures, shown] = [0, 0];
    for (const { card, count, instances } of cards) {
      let here = 0;
      for (const { path, label, score } of instances) {
        const there = labels.has(label) && score >= from && score <= to;
        path.toggleAttribute("hidden", !there);
        here += there;
      }
      // A picture without anything that is asked for would only be in the way; without a filter it is news.
      card.hidden = filtered && here === 0;
      count.textContent = here === instances.length ? many(here, "instance") : `${here} of ${many(instances.length, "instance")}`;
      pictures += !card.hidden;
      shown += here;
    }
    byId("least-value").textContent = Number(least.value).toFixed(2);
    byId("most-value").textContent = Number(most.value).toFixed(2);
    byId("shown").textContent = filtered
      ? `${shown.toLocaleString("en")} of ${many(total, "instance")} in ${pictures.toLocaleString("en")} of ${many(cards.length, "image")}`
      : `${many(total, "instance")} in ${many(cards.length, "image")}`;
  }

  function check(value) {
    for (const box of boxes) box.checked = value;
    show();
  }

  let asked = false;
  form.addEventListener("input", () => {
    if (asked) return;
    asked = true;
    requestAnimationFrame(() => {
      asked = false;
      show();
    });
  });
  form.addEventListener("submit", (event) => event.preventDefault());
  byId("all").addEventListener("click", () => check(true));
  byId("none").addEventListener("click", () => check(false));
  form.reset(); // browsers remember what was chosen before a page was loaded again
  show();
}
