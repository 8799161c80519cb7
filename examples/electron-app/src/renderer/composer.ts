import { announce, byId, complain, stopComplaining } from './dom';

/** The form for a new text, and the one for a key. */
export function startComposer(onChange: () => void): void {
  const form = byId<HTMLFormElement>('composer');
  form.addEventListener('submit', (event) => {
    event.preventDefault();
    const fields = new FormData(form);
    const text = String(fields.get('text')).trim();
    if (text === '') return;
    // The job's name is one that the main process allows; the prompt around the text is the worker's configuration.
    const options = fields.has('urgent') ? { priority: 10 } : {};
    // Emptied at once: the next text may be typed before the answer is here.
    form.reset();
    window.llmJobs.add(String(fields.get('task')), { text }, options).then(
      () => {
        stopComplaining();
        announce('The text is on the desk.');
        onChange();
      },
      (error: unknown) => {
        const field = byId<HTMLTextAreaElement>('text');
        if (field.value === '') field.value = text;
        complain(error);
      },
    );
  });
  // As in other fields for texts: Ctrl or Cmd with Enter sends.
  byId('text').addEventListener('keydown', (event) => {
    if (event.key === 'Enter' && (event.ctrlKey || event.metaKey)) form.requestSubmit();
  });

  const keyForm = byId<HTMLFormElement>('key-form');
  keyForm.addEventListener('submit', (event) => {
    event.preventDefault();
    const key = byId<HTMLInputElement>('key');
    window.desk.setKey(keyForm.dataset['name'] ?? '', key.value).then(() => {
      key.value = '';
      announce('The key is saved.');
      onChange();
    }, complain);
  });
}
