'use strict';
// Shows what /views sends. Everything that a battery, a file or an instrument has named is set as text, never as markup.

const SVG = 'http://www.w3.org/2000/svg';
const BIG = ['battery.cvl', 'battery.voltage', 'battery.current', 'battery.soc', 'inverter.dc-voltage',
  'battery.highest-cell', 'battery.lowest-cell', 'battery.ccl', 'solar.pv-power', 'grid.power'];
const opened = new Set();

function node(tag, options = {}, ...inside) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(options)) {
    if (name === 'class') made.className = value; else made.setAttribute(name, value);
  }
  made.append(...inside.filter((part) => part !== null && part !== undefined));
  return made;
}

function svg(tag, options, ...inside) {
  const made = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(options)) made.setAttribute(name, value);
  made.append(...inside);
  return made;
}

function clock(seconds) {
  const whole = Math.max(0, Math.round(seconds));
  const two = (n) => String(n).padStart(2, '0');
  return `${Math.floor(whole / 3600)}:${two(Math.floor(whole / 60) % 60)}:${two(whole % 60)}`;
}

function age(seconds) {
  return seconds < 60 ? `${seconds.toFixed(1)} s` : clock(seconds);
}

function state(view) {
  return view.state === 'quiet' ? `${view.state_words} for ${age(view.quiet_s)}` : view.state_words;
}

function told_of(view) {
  const texts = [view.wrong && `read no further: ${view.wrong}`, view.lacks].filter(Boolean);
  return node('div', {}, ...texts.map((text) => node('p', { class: 'bad' }, text)));
}

function station(view, alone) {
  if (view.state === 'waiting') {
    return node('article', {}, node('h2', {}, 'Waiting for a run'), node('p', { class: 'soft' }, view.folder), told_of(view));
  }
  const counted = (outcome) => view.ended[outcome] || 0;
  const top = node('div', { class: 'top' },
    node('div', {}, node('h2', {}, `${view.battery} on ${view.rig}`),
      node('p', { class: 'soft' }, `${view.run} · busbar ${view.harness}`)),
    node('div', { class: `output ${view.output}` }, view.output_words));
  const made = node('article', { 'data-run': view.run }, top);
  made.append(node('p', { class: ['quiet', 'unread'].includes(view.state) ? 'bad' : 'soft' },
    `${state(view)} · ${counted('pass')} passed, ${counted('fail')} failed, ${counted('inconclusive')} undecided of ${view.cases} cases`));
  made.append(told_of(view));
  const now = view.case;
  if (!now) return made;
  made.append(node('p', { class: 'step' }, node('strong', {}, now.name), ` · case ${now.number} of ${view.cases} · ${clock(now.at_s)}`));
  if (now.title && alone) made.append(node('p', { class: 'soft' }, now.title));
  const goes = now.to_go_s === null ? '' : ` · ${now.waits ? 'at most ' : ''}${clock(now.to_go_s)} to go`;
  made.append(node('p', {}, `${now.step}${goes}`));
  if (now.asks) {
    made.append(node('div', { class: 'asks' }, node('strong', {}, now.asks),
      now.answered_at ? node('p', { class: 'soft' }, `answered at ${now.answered_at}`) : null));
  }
  made.append(numbers(view), ...lanes(view));
  const rest = node('div', {}, halves(view), all(view));
  if (alone) {
    made.append(rest);
  } else {
    const more = node('details', {}, node('summary', {}, 'limits, verdicts, events, every reading'), rest);
    more.open = opened.has(view.folder);
    more.addEventListener('toggle', () => (more.open ? opened.add(view.folder) : opened.delete(view.folder)));
    made.append(more);
  }
  return made;
}

function numbers(view) {
  const known = new Map(view.readings.map((reading) => [reading.key, reading]));
  const shown = BIG.map((key) => known.get(key)).filter(Boolean);
  return node('div', { class: 'numbers' }, ...shown.map((reading) => node('div',
    { class: reading.stale ? 'stale' : '', 'data-key': reading.key, 'data-value': reading.value },
    node('b', {}, reading.text), node('span', {}, reading.words.replace(/^the /, '')))));
}

function lanes(view) {
  const drawn = [];
  for (const lane of [...new Set(view.curves.map((curve) => curve.lane))]) {
    const curves = view.curves.filter((curve) => curve.lane === lane);
    drawn.push(legend(curves), figure(curves, view.case.at_s));
  }
  return drawn;
}

function legend(curves) {
  return node('div', { class: 'legend' }, node('span', {}, curves[0].unit), ...curves.map((curve, place) => {
    const line = node('i');
    line.style.background = `var(--c${place % 5})`;
    return node('span', {}, line, curve.name);
  }));
}

function figure(curves, end) {
  const [width, height, left] = [1000, 90, 52];
  const span = Math.max(end, 1);
  const values = (own) => own.flatMap((curve) => curve.points.map((point) => point[1]));
  // A limit or an offer may lie far off: it is drawn as far as what is measured leaves room.
  const measured = values(curves.filter((curve) => !curve.is_limit));
  const all = measured.length ? measured : values(curves);
  let [low, high] = [Math.min(...all), Math.max(...all)];
  const margin = Math.max((high - low) * 0.15, Math.abs(high) * 0.002, 0.002);
  [low, high] = [low - margin, high + margin];
  const x = (t) => (left + (Math.min(t, span) / span) * (width - left)).toFixed(1);
  const y = (v) => (height - ((Math.min(Math.max(v, low), high) - low) / (high - low)) * height).toFixed(1);
  const digits = high - low < 1 ? 3 : high - low < 20 ? 1 : 0;
  const made = svg('svg', { viewBox: `0 -8 ${width} ${height + 16}`, role: 'img' },
    svg('line', { class: 'axis', x1: left, x2: width, y1: height, y2: height }),
    svg('line', { class: 'axis', x1: left, x2: width, y1: 0, y2: 0 }),
    svg('text', { x: left - 6, y: 4, 'text-anchor': 'end' }, high.toFixed(digits)),
    svg('text', { x: left - 6, y: height, 'text-anchor': 'end' }, low.toFixed(digits)));
  curves.forEach((curve, place) => {
    let path = '';
    for (const [t, v] of curve.points) path += path ? `H${x(t)}V${y(v)}` : `M${x(t)} ${y(v)}`;
    const line = svg('path', { d: `${path}H${x(span)}`, class: curve.is_limit ? 'limit' : '' });
    line.style.stroke = `var(--c${place % 5})`;
    made.append(line);
  });
  return made;
}

function halves(view) {
  const rows = view.limits.map((limit) => {
    return node('tr', { class: limit.stale ? 'stale' : limit.standing }, node('td', {}, limit.words.replace(/^the /, '')),
      node('td', { class: 'n' }, limit.room === null ? 'not told' : `${limit.text} left`));
  });
  const done = view.done.slice(-40).reverse().map((one) => node('tr', {}, node('td', { class: one.outcome }, one.outcome),
    node('td', {}, one.name, one.reason ? node('div', { class: 'soft' }, one.reason) : null)));
  const notes = [...view.notes].reverse().map((note) => node('tr', {}, node('td', { class: 'n' }, clock(note.at_s)),
    node('td', { class: 'kind soft' }, note.kind), node('td', {}, note.text)));
  const part = (title, own) => node('section', {}, node('h3', {}, title),
    own.length ? node('div', { class: 'kept' }, node('table', {}, ...own)) : node('p', { class: 'soft' }, 'none yet'));
  return node('div', { class: 'halves' }, part('Limits of the rig', rows), part('Verdicts so far', done), part('Events of this case', notes));
}

function all(view) {
  const rows = view.readings.map((reading) => node('tr', { class: reading.stale ? 'stale' : '' },
    node('td', {}, reading.words.replace(/^the /, '')), node('td', { class: 'n' }, reading.text),
    node('td', { class: 'n soft' }, `${age(reading.age_s)} ago`), node('td', { class: 'soft' }, reading.source)));
  const made = node('details', {}, node('summary', {}, `Every reading (${rows.length})`), node('table', {}, ...rows));
  const name = `readings of ${view.folder}`;
  made.open = opened.has(name);
  made.addEventListener('toggle', () => (made.open ? opened.add(name) : opened.delete(name)));
  return made;
}

function show(views) {
  const wall = document.getElementById('wall');
  wall.className = views.length > 1 ? 'many' : '';
  const scrolled = [...wall.querySelectorAll('.kept')].map((kept) => kept.scrollTop);
  wall.replaceChildren(...views.map((view) => station(view, views.length === 1)));
  wall.querySelectorAll('.kept').forEach((kept, place) => { kept.scrollTop = scrolled[place] || 0; });
}

function told(text, lost) {
  const line = document.getElementById('line');
  line.textContent = text;
  line.className = lost ? 'lost' : '';
}

// A token stands behind the number sign, where it is sent to nobody but in the request for views.
const token = new URLSearchParams(location.hash.slice(1)).get('token');
const source = new EventSource(token ? `views?token=${encodeURIComponent(token)}` : 'views');
let heard = 0;
source.onmessage = (message) => {
  heard = Date.now();
  show(JSON.parse(message.data));
  tell();
};
source.onerror = async () => {
  told('no connection to busbar watch: what is shown is old', true);
  // A stream does not say why it is refused; a plain request does.
  const answer = await fetch(token ? `view.json?token=${encodeURIComponent(token)}` : 'view.json').catch(() => null);
  if (answer && !answer.ok) told(await answer.text(), true);
};
function tell() {
  const old = (Date.now() - heard) / 1000;
  if (heard && old < 5) told(`as of ${new Date(heard).toLocaleTimeString()}`, false);
  else if (heard) told(`nothing heard from busbar watch for ${age(old)}: what is shown is old`, true);
}
setInterval(tell, 500);
