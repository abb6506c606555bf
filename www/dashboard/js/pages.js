// A list whose first page is read again and again, and whose further pages a reader asks for.
import { h } from "./dom.js";
import { appendPage, EMPTY } from "./list.js";

/**
 * `read(params, options)` reads a page; `show(items)` draws all there are; `failed(error)` hears of it. Returns the button for
 * more, and `refresh(signal)`, which reads the first page.
 */
export function pages({ t, limit, read, show, failed }) {
  let first = EMPTY;
  let further = EMPTY;
  const next = () => (further.items.length > 0 ? further.next : first.next);
  const more = h("button", { class: "button quiet", type: "button", hidden: true, onclick: loadMore }, t("leads.more"));

  function draw() {
    more.hidden = next() === null;
    show(appendPage(first, further).items);
  }

  async function loadMore() {
    more.disabled = true;
    try {
      further = appendPage(further, await read({ limit, cursor: next() }));
      draw();
    } catch (error) {
      failed(error);
    } finally {
      more.disabled = false;
    }
  }

  return {
    more,
    async refresh(signal) {
      first = await read({ limit }, { signal });
      draw();
    },
  };
}
