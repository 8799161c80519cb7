/** The element of index.html with this id. */
export function byId<T extends HTMLElement = HTMLElement>(id: string): T {
  const element = document.getElementById(id);
  if (element === null) throw new Error(`index.html has no #${id}`);
  return element as T;
}

/** Makes an element. What a model or a user wrote becomes text nodes, never markup. */
export function make<Tag extends keyof HTMLElementTagNameMap>(
  tag: Tag,
  properties: Partial<HTMLElementTagNameMap[Tag]> = {},
  ...children: (Node | string)[]
): HTMLElementTagNameMap[Tag] {
  const element = Object.assign(document.createElement(tag), properties);
  element.append(...children);
  return element;
}

/** Shows the elements of a list in order, and moves only those that are not where they belong: focus and scrolling stay. */
export function arrange(list: HTMLElement, elements: HTMLElement[]): void {
  const wanted = new Set<Element>(elements);
  for (const child of [...list.children]) if (!wanted.has(child)) child.remove();
  elements.forEach((element, index) => {
    if (list.children[index] !== element) list.insertBefore(element, list.children[index] ?? null);
  });
}

/** For those who hear the page: one sentence about what has happened. */
export function announce(sentence: string): void {
  byId('announcer').textContent = sentence;
}

/** Shows what went wrong until the next success. */
export function complain(error: unknown): void {
  const notice = byId('notice');
  notice.textContent = error instanceof Error ? error.message.replace(/^Error invoking remote method '[^']*': (\w*Error: )?/, '') : String(error);
  notice.hidden = false;
}

export function stopComplaining(): void {
  byId('notice').hidden = true;
}
