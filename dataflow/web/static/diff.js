// Difference: two texts in, their lines with what was taken away and what was added out.

const MOST_LINES = 2000; // the table below has the square of it, of those that differ

/** Return [mark, line] of each line: "-" only in the first text, "+" only in the second, " " in both. */
export function linesOf(before, after) {
  const [old, now] = [before.split("\n"), after.split("\n")];
  let begin = 0;
  while (begin < Math.min(old.length, now.length) && old[begin] === now[begin]) begin += 1;
  let end = 0;
  const most = Math.min(old.length, now.length) - begin;
  while (end < most && old.at(-1 - end) === now.at(-1 - end)) end += 1;
  const same = (lines) => lines.map((line) => [" ", line]);
  const middle = between(old.slice(begin, old.length - end), now.slice(begin, now.length - end));
  return [...same(old.slice(0, begin)), ...middle, ...same(old.slice(old.length - end))];
}

/** Keep as many lines as possible (longest common subsequence). */
function between(old, now) {
  if (Math.max(old.length, now.length) > MOST_LINES) {
    return [...old.map((line) => ["-", line]), ...now.map((line) => ["+", line])];
  }
  const kept = Array.from({ length: old.length + 1 }, () => new Uint16Array(now.length + 1));
  for (let i = old.length - 1; i >= 0; i -= 1) {
    for (let j = now.length - 1; j >= 0; j -= 1) {
      kept[i][j] = old[i] === now[j] ? kept[i + 1][j + 1] + 1 : Math.max(kept[i + 1][j], kept[i][j + 1]);
    }
  }
  const lines = [];
  let [i, j] = [0, 0];
  while (i < old.length || j < now.length) {
    if (i < old.length && j < now.length && old[i] === now[j]) lines.push([" ", old[i++], j++]);
    else if (j >= now.length || (i < old.length && kept[i + 1][j] >= kept[i][j + 1])) lines.push(["-", old[i++]]);
    else lines.push(["+", now[j++]]);
  }
  return lines.map(([mark, line]) => [mark, line]);
}

const AROUND = 3;

/** Leave out lines that are far from any difference; null stands for them. */
export function aroundChanges(lines) {
  const near = lines.map((_, at) => lines.slice(Math.max(0, at - AROUND), at + AROUND + 1).some(([mark]) => mark !== " "));
  return lines.flatMap((line, at) => (near[at] ? [line] : at === 0 || near[at - 1] ? [null] : []));
}
