// Numbers as people read them. Pure.

const UNITS = ["B", "KiB", "MiB", "GiB", "TiB"];

/** 7763001344 -> "7.23 GiB". */
export function size(bytes) {
  let value = Number(bytes) || 0;
  let unit = 0;
  while (value >= 1024 && unit < UNITS.length - 1) {
    value /= 1024;
    unit += 1;
  }
  const digits = unit === 0 ? 0 : unit < 3 ? 1 : 2;
  return `${value.toFixed(digits)} ${UNITS[unit]}`;
}

/** 75.4 -> "1:15", 8.24 -> "8.2 s". */
export function time(seconds) {
  const value = Math.max(0, Number(seconds) || 0);
  if (value < 59.95) return `${value.toFixed(1)} s`;
  const whole = Math.round(value);
  return `${Math.floor(whole / 60)}:${String(whole % 60).padStart(2, "0")}`;
}

/** [{start_line, end_line}] -> "1-40, 60". */
export function ranges(list) {
  return list.map(({ start_line: a, end_line: b }) => (a === b ? String(a) : `${a}-${b}`)).join(", ");
}

/** 12345 -> "12 345", with a narrow space: the same in both languages. */
export const whole = (number) => String(Math.round(Number(number) || 0)).replace(/\B(?=(\d{3})+$)/g, "\u202f");

/** 7.26 -> "7.3", 412.4 -> "412". */
export const speed = (value) => ((Number(value) || 0) < 10 ? (Number(value) || 0).toFixed(1) : String(Math.round(value)));
