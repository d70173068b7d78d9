// The files of the next audit, and which of them is shown. Knows names and texts; knows nothing of the editor.

const blank = () => ({ name: "", text: "", language: "", detected: "", touched: false, sample: false });

export class Sources {
  /** `onChange()` follows every change of the list or of the file that is shown. */
  constructor(onChange) {
    this.onChange = onChange;
    this.files = [blank()];
    this.current = this.files[0];
  }

  /** Adds [{name, text}]; a file of the same name, a sample and an empty page make way. The first one is shown. */
  add(opened, { sample = false } = {}) {
    if (opened.length === 0) return;
    const names = new Set(opened.map(({ name }) => name));
    const kept = this.files.filter((file) => !names.has(file.name) && (file.touched || (!file.sample && file.text !== "")));
    const added = opened.map(({ name, text, language = "" }) => ({ ...blank(), name, text, language, sample }));
    this.files = [...kept, ...added];
    this.show(added[0]);
  }

  /** These files and no others, as after reopening an audit. */
  replace(files) {
    this.files = files.length ? files.map((file) => ({ ...blank(), ...file })) : [blank()];
    this.show(this.files[0]);
  }

  addBlank() {
    this.files = [...this.files, blank()];
    this.show(this.files.at(-1));
  }

  close(file) {
    const index = this.files.indexOf(file);
    const left = this.files.filter((other) => other !== file);
    this.files = left.length ? left : [blank()];
    this.show(file === this.current ? this.files[Math.min(Math.max(0, index), this.files.length - 1)] : this.current);
  }

  show(file) {
    this.current = file;
    this.onChange();
  }

  /** The file that a finding names; the only one there is, if it has since been renamed. */
  named(name) {
    return this.files.find((file) => file.name === name) ?? (this.files.length === 1 ? this.files[0] : null);
  }
}
