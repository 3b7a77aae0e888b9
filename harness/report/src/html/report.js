'use strict';
// Zoom, read-out and keyboard for the figures. Without it every figure stands as it was drawn.
(() => {
  const NS = 'http://www.w3.org/2000/svg';
  const el = (parent, name, attributes = {}, text) => {
    const e = document.createElementNS(NS, name);
    for (const k in attributes) e.setAttribute(k, attributes[k]);
    if (text !== undefined) e.textContent = text;
    parent.appendChild(e);
    return e;
  };
  const two = (n) => String(n).padStart(2, '0');
  const clock = (ms, fine) => {
    const t = fine ? ms : Math.round(ms / 1000) * 1000;
    const s = Math.floor(t / 1000);
    const rest = fine && t % 1000 ? (t % 1000 / 1000).toFixed(3).slice(1).replace(/0+$/, '') : '';
    return `${Math.floor(s / 3600)}:${two(Math.floor(s / 60) % 60)}:${two(s % 60)}${rest}`;
  };
  const minus = (text) => text.replace('-', '−');
  // The first point after t.
  const after = (times, t) => {
    let a = 0, b = times.length;
    while (a < b) { const m = (a + b) >> 1; if (times[m] <= t) a = m + 1; else b = m; }
    return a;
  };
  const STEPS = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10000, 15000, 30000, 60000, 120000, 300000,
    600000, 900000, 1800000, 3600000, 7200000, 10800000, 21600000, 43200000, 86400000];

  class Figure {
    constructor(figure) {
      this.figure = figure;
      this.svg = figure.querySelector('svg');
      this.live = this.svg.querySelector('.live');
      this.still = this.live.innerHTML;
      this.data = JSON.parse(figure.querySelector('script').textContent);
      const d = this.data;
      for (const p of d.panels) for (const l of p.lines) {
        l.t = []; l.v = [];
        for (let i = 0, t = 0, v = 0; i < l.d.length; i += 2) {
          l.t.push((t += l.d[i]) * d.q);
          l.v.push((v += l.d[i + 1]) / 10 ** p.decimals);
        }
        l.highest = l.v.reduce((high, v) => Math.max(high, v), -Infinity);
        l.out = this.svg.querySelector(`[data-line="${l.class}"]`);
      }
      [this.a, this.b] = [0, d.length];
      this.cursor = el(this.svg, 'g', { class: 'cursor' });
      this.tools = document.createElement('div');
      this.tools.className = 'tools';
      this.button('−', 'Zoom out', () => this.scale(2));
      this.button('+', 'Zoom in', () => this.scale(0.5));
      this.whole = this.button('Whole case', 'Show the whole case', () => this.show(0, d.length));
      this.whole.disabled = true;
      this.status = document.createElement('span');
      this.status.textContent = 'Drag over a stretch to enlarge it';
      this.tools.appendChild(this.status);
      figure.appendChild(this.tools);
      this.svg.setAttribute('tabindex', '0');
      this.svg.setAttribute('aria-keyshortcuts', 'ArrowLeft ArrowRight + - 0 Escape');
      figure.classList.add('ready');
      this.svg.addEventListener('pointermove', (e) => this.move(e));
      this.svg.addEventListener('pointerleave', () => { if (this.from === undefined) this.leave(); });
      this.svg.addEventListener('pointerdown', (e) => this.press(e));
      this.svg.addEventListener('pointerup', (e) => this.release(e));
      this.svg.addEventListener('pointercancel', () => { this.from = undefined; this.leave(); });
      this.svg.addEventListener('dblclick', () => this.show(0, d.length));
      this.svg.addEventListener('keydown', (e) => this.key(e));
      this.svg.addEventListener('blur', () => this.leave());
    }
    button(text, title, act) {
      const b = document.createElement('button');
      b.type = 'button'; b.textContent = text; b.title = title; b.setAttribute('aria-label', title);
      b.addEventListener('click', act);
      this.tools.appendChild(b);
      return b;
    }
    x(t) { const d = this.data; return d.left + (t - this.a) / (this.b - this.a) * (d.right - d.left); }
    time(event) {
      const d = this.data, box = this.svg.getBoundingClientRect();
      const x = (event.clientX - box.left) / box.width * d.width;
      if (x < d.left - 6 || x > d.right + 6) return undefined;
      const share = Math.min(1, Math.max(0, (x - d.left) / (d.right - d.left)));
      return this.a + share * (this.b - this.a);
    }
    move(event) {
      const t = this.time(event);
      if (t === undefined) { if (this.from === undefined) this.leave(); return; }
      this.read(t);
      if (this.from !== undefined) {
        const d = this.data, [x0, x1] = [this.x(this.from), this.x(t)].sort((p, q) => p - q);
        el(this.cursor, 'rect', { class: 'select', x: x0, y: d.top, width: x1 - x0, height: d.bottom - d.top });
      }
    }
    press(event) {
      if (event.button !== 0 || event.pointerType === 'touch') return;
      this.from = this.time(event);
      if (this.from !== undefined) this.svg.setPointerCapture(event.pointerId);
    }
    release(event) {
      const from = this.from, to = this.time(event);
      this.from = undefined;
      if (from === undefined || to === undefined) return;
      const pixels = Math.abs(this.x(to) - this.x(from));
      if (pixels > 6) this.show(Math.min(from, to), Math.max(from, to));
    }
    key(event) {
      if (event.ctrlKey || event.metaKey || event.altKey) return;
      const width = this.b - this.a, now = this.now === undefined ? (this.a + this.b) / 2 : this.now;
      const far = event.shiftKey ? 0.1 : 0.005;
      const step = (by) => {
        const t = Math.min(this.data.length, Math.max(0, now + by * width));
        if (t < this.a) this.show(t, t + width); else if (t > this.b) this.show(t - width, t);
        this.read(t);
      };
      switch (event.key) {
        case 'ArrowLeft': step(-far); break;
        case 'ArrowRight': step(far); break;
        case '+': case '=': this.scale(0.5); break;
        case '-': this.scale(2); break;
        case '0': case 'Home': case 'Escape': this.show(0, this.data.length); break;
        default: return;
      }
      event.preventDefault();
    }
    scale(by) {
      const middle = this.now !== undefined && this.now >= this.a && this.now <= this.b ? this.now : (this.a + this.b) / 2;
      this.show(middle - (middle - this.a) * by, middle + (this.b - middle) * by);
    }
    // Shows a stretch; `focus` is the window of the evidence that asked for it.
    show(a, b, focus) {
      const length = this.data.length, least = Math.min(length, Math.max(20, 4 * this.data.q));
      if (b - a < least) [a, b] = [(a + b - least) / 2, (a + b + least) / 2];
      if (b - a >= length) [a, b] = [0, length];
      if (a < 0) [a, b] = [0, b - a];
      if (b > length) [a, b] = [a - (b - length), length];
      [this.a, this.b] = [a, b];
      this.leave();
      this.focus = focus;
      const whole = a === 0 && b === length;
      this.whole.disabled = whole;
      if (whole && !focus) this.live.innerHTML = this.still; else this.draw();
      this.status.textContent = whole ? 'Drag over a stretch to enlarge it' : `${clock(a)} to ${clock(b)}`;
    }
    leave() {
      this.cursor.replaceChildren();
      this.now = undefined;
      this.figure.classList.remove('pointing');
      for (const p of this.data.panels) for (const l of p.lines) l.out.textContent = this.range(p, l);
    }
    // What a line came to in the stretch that is shown.
    range(p, l) {
      let lo = Infinity, hi = -Infinity;
      const [first, last] = this.visible(l), known = this.a <= l.t[l.t.length - 1] + this.data.q;
      for (let i = first; known && i < last; i++) if (l.t[i] <= this.b) { lo = Math.min(lo, l.v[i]); hi = Math.max(hi, l.v[i]); }
      if (lo > hi) return '–';
      const [low, high] = [lo, hi].map((v) => minus(v.toFixed(p.decimals)));
      return `${low === high ? low : `${low} … ${high}`} ${p.unit}`;
    }
    read(t) {
      const d = this.data, x = this.x(t);
      this.now = t;
      this.figure.classList.add('pointing');
      this.cursor.replaceChildren();
      el(this.cursor, 'path', { d: `M${x} ${d.top}V${d.bottom}` });
      el(this.cursor, 'text', { x: Math.min(d.right - 24, Math.max(d.left + 24, x)), y: d.bottom + 16 }, clock(t, this.b - this.a < 60000));
      for (const p of d.panels) for (const l of p.lines) {
        const i = after(l.t, t) - 1;
        const known = i >= 0 && t <= l.t[l.t.length - 1] + d.q;
        l.out.textContent = known ? `${minus(l.v[i].toFixed(p.decimals))} ${p.unit}` : '–';
      }
    }
    // The same picture as the still one, of the stretch from a to b.
    draw() {
      const d = this.data, g = this.live;
      g.replaceChildren();
      const inside = (t, u) => u >= this.a && t <= this.b;
      const bar = (t, u) => {
        const p = Math.max(d.left, this.x(t)), q = Math.min(d.right, this.x(u));
        return q - p < 3 ? [(p + q) / 2 - 1.5, 3] : [p, q - p];
      };
      for (const [mark, t, u] of d.shades) {
        const [x, width] = bar(t, u);
        if (inside(t, u) && width < 0.98 * (d.right - d.left)) {
          el(g, 'rect', { class: `shade ${mark}`, x, y: d.top, width, height: d.bottom - d.top });
        }
      }
      const step = STEPS.find((s) => (this.b - this.a) / s <= 9) || 86400000;
      for (let t = Math.ceil(this.a / step) * step; t <= this.b; t += step) {
        el(g, 'path', { class: 'grid', d: `M${this.x(t)} ${d.top + d.gap}V${d.bottom}` });
        el(g, 'text', { class: 'time', x: this.x(t), y: d.bottom + 16 }, step < 60000 ? clock(t, step < 1000) : clock(t).slice(0, -3));
      }
      for (const p of d.panels) this.panel(g, p);
      if (this.focus) {
        const [t, u] = this.focus.map((t) => Math.min(d.right + 5, Math.max(d.left - 5, this.x(t))));
        el(g, 'path', { class: 'focus', d: `M${t} ${d.bottom}V${d.top + 3}H${u}V${d.bottom}` });
      }
      if (d.stepsAt !== null) {
        el(g, 'text', { class: 'lane', x: d.left - 7, y: d.stepsAt + 12.5 }, 'Steps');
        d.steps.forEach(([t, u, text], i) => {
          if (!inside(t, u) || t === u) return;
          const x = Math.max(d.left, this.x(t)), width = Math.min(d.right, this.x(u)) - x;
          if (width < 0.3) return;
          const s = el(g, 'g', { class: i % 2 ? 'step odd' : 'step' });
          el(s, 'title', {}, `${clock(t)} ${text}`);
          el(s, 'rect', { x, y: d.stepsAt, width, height: d.step });
          const room = Math.floor((width - 8) / d.letter);
          if (room >= Math.min(text.length, 9)) el(s, 'text', { x: x + 4, y: d.stepsAt + 12.5 }, text.length > room ? `${text.slice(0, room - 1).trimEnd()}…` : text);
        });
      }
      d.findings.forEach(([id, mark, windows], row) => {
        const y = d.evidenceAt + row * d.evidence;
        el(g, 'text', { class: `lane ${mark}`, x: d.left - 7, y: y + 10 }, id);
        for (const [t, u] of windows) if (inside(t, u)) {
          const [x, width] = bar(t, u);
          el(g, 'rect', { class: `proof ${mark}`, x, y: y + 3, width, height: d.evidence - 6 });
        }
      });
      d.alarms.forEach(([kind, level, windows], row) => {
        for (const [t, u] of windows) if (inside(t, u)) {
          const [x, width] = bar(t, u);
          const r = el(g, 'rect', { class: `raised ${level}`, x, y: d.alarmsAt + row * d.evidence + 3, width, height: d.evidence - 6 });
          el(r, 'title', {}, `${level}: ${kind}, ${clock(t)}–${clock(u)}`);
        }
      });
      this.moments(g);
    }
    moments(g) {
      const d = this.data, rows = Array.from({ length: d.labels }, () => []);
      for (const kind of ['alert', 'mark', 'change']) for (const [t, text, k] of d.moments) {
        if (k !== kind || t < this.a || t > this.b) continue;
        const x = this.x(t), width = text.length * d.letter + 8, left = x + width > d.width;
        const [p, q] = left ? [x - width, x] : [x, x + width];
        const row = rows.findIndex((r) => r.every(([a, b]) => q <= a || b <= p));
        if (row >= 0) rows[row].push([p, q]);
        const top = row >= 0 ? (d.labels - 1 - row) * d.label + 2 : d.top + d.gap;
        const m = el(g, 'g', { class: `moment ${k}` });
        el(m, 'title', {}, `${clock(t)} ${text}`);
        el(m, 'path', { d: `M${x} ${top}V${d.bottom}` });
        if (row >= 0) el(m, 'text', left ? { x: x - 3, y: top + 9, 'text-anchor': 'end' } : { x: x + 3, y: top + 9 }, text);
      }
    }
    // The points that matter for the stretch: per column of pixels first, lowest, highest, last.
    visible(l) {
      const first = Math.max(0, after(l.t, this.a) - 1), last = Math.min(l.t.length, after(l.t, this.b) + 1);
      return [first, last];
    }
    panel(g, p) {
      const d = this.data, spans = p.lines.map((l) => this.visible(l));
      // Below half of the highest value something is off, and takes no room.
      const highest = Math.max(0, ...p.lines.filter((l) => !l.limit).map((l) => l.highest));
      const on = p.off ? d.off * highest : -Infinity;
      const reach = (limits) => {
        let lo = Infinity, hi = -Infinity;
        p.lines.forEach((l, n) => {
          if (l.limit && !limits) return;
          for (let i = spans[n][0]; i < spans[n][1]; i++) {
            if (l.t[i] <= this.b && l.v[i] >= on && (!limits || limits(l.v[i]))) { lo = Math.min(lo, l.v[i]); hi = Math.max(hi, l.v[i]); }
          }
        });
        return [lo, hi];
      };
      let [lo, hi] = reach();
      if (lo > hi) [lo, hi] = reach(() => true);
      if (lo > hi) [lo, hi] = [0, 0];
      const far = 0.5 * Math.max(hi - lo, p.least), [l0, h0] = [lo - far, hi + far];
      const near = reach((v) => v >= l0 && v <= h0);
      [lo, hi] = [Math.min(lo, near[0]), Math.max(hi, near[1])];
      const least = p.least * 0.4;
      if (p.zero) [lo, hi] = [Math.min(lo, 0), Math.max(hi, 0)];
      if (hi - lo < least) { const m = (lo + hi) / 2; [lo, hi] = [m - least / 2, m + least / 2]; }
      const air = (hi - lo) * 0.07;
      lo -= air; hi += air;
      const y = (v) => Math.min(p.height, p.height - (v - lo) / (hi - lo) * p.height);
      const rough = (hi - lo) / Math.round(p.height / 30), size = 10 ** Math.floor(Math.log10(rough));
      const step = [1, 2, 5, 10].map((k) => k * size).find((s) => s >= rough * 0.7);
      const decimals = Math.max(0, -Math.floor(Math.log10(step * 1.000001)));
      for (let i = Math.ceil(lo / step); i <= Math.floor(hi / step); i++) {
        const at = p.top + y(i * step);
        el(g, 'path', { class: i === 0 && p.zero ? 'grid zero' : 'grid', d: `M${d.left} ${at}H${d.right}` });
        el(g, 'text', { class: 'tick', x: d.left - 7, y: at + 4 }, minus((i * step).toFixed(decimals)));
      }
      const width = d.right - d.left;
      const clip = el(g, 'svg', { x: d.left, y: p.top, width, height: p.height });
      const x = (t) => (t - this.a) / (this.b - this.a) * width;
      p.lines.forEach((l, n) => {
        let path = '';
        for (let i = spans[n][0]; i < spans[n][1]; i++) {
          const px = Math.max(-5, Math.min(width + 5, x(l.t[i]))).toFixed(1), py = y(l.v[i]).toFixed(1);
          path += path ? `H${px}V${py}` : `M${px} ${py}`;
        }
        if (path) el(clip, 'path', { class: `l-${l.class}`, d: path });
      });
    }
  }

  const figures = new Map();
  const ready = (figure) => {
    if (!figures.has(figure)) figures.set(figure, new Figure(figure));
    return figures.get(figure);
  };
  // Data is read when a figure comes near, so that a report of many hours opens at once.
  const near = new IntersectionObserver((seen) => {
    for (const s of seen) if (s.isIntersecting) { ready(s.target); near.unobserve(s.target); }
  }, { rootMargin: '300px' });
  document.querySelectorAll('figure.plot').forEach((f) => near.observe(f));
  document.addEventListener('click', (event) => {
    const link = event.target.closest('a.zoom');
    if (!link) return;
    const target = document.querySelector(link.getAttribute('href'));
    if (!target) return;
    event.preventDefault();
    const figure = ready(target), [from, to] = [Number(link.dataset.from), Number(link.dataset.to)];
    const air = Math.max((to - from) * 0.25, to === from ? 30000 : 2000);
    figure.show(from - air, to + air, [from, to]);
    target.scrollIntoView({ block: 'nearest' });
    figure.svg.focus({ preventScroll: true });
  });
  addEventListener('beforeprint', () => {
    document.querySelectorAll('details').forEach((d) => { d.dataset.open = d.open ? '1' : ''; d.open = true; });
    for (const f of figures.values()) f.show(0, f.data.length);
  });
  addEventListener('afterprint', () => document.querySelectorAll('details').forEach((d) => { d.open = d.dataset.open === '1'; }));
})();
