// Asks /v1/stats every two seconds and shows what it says; what was is kept here, and by nobody else.
'use strict';

const interval = 2000;
const samplesMax = 300;
const samples = [];
let token = '';

const byId = (id) => document.getElementById(id);
const count = new Intl.NumberFormat('en');

function bytes(value) {
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];
  let unit = 0;
  while (value >= 1024 && unit + 1 < units.length) { value /= 1024; unit += 1; }
  return `${value.toFixed(unit === 0 || value >= 100 ? 0 : 1)} ${units[unit]}`;
}
function duration(seconds) {
  const [days, hours, minutes] = [Math.floor(seconds / 86400), Math.floor(seconds / 3600) % 24, Math.floor(seconds / 60) % 60];
  if (days > 0) return `${days} d ${hours} h`;
  return hours > 0 ? `${hours} h ${minutes} min` : `${minutes} min ${seconds % 60} s`;
}
const rate = (value) => `${value >= 10 ? count.format(Math.round(value)) : value.toFixed(1)}/s`;

const tiles = [
  ['Up for', (s) => duration(s.uptimeSeconds)], ['Connections', (s) => count.format(s.connections)],
  ['Peers', (s) => count.format(s.peers)], ['Swarms', (s) => count.format(s.swarms)],
  ['Members present', (s) => count.format(s.tunnels.members)], ['Tunnels', (s) => count.format(s.tunnels.open)],
  ['Moved in tunnels', (s) => bytes(s.tunnels.bytes)], ['Objects in the mailbox', (s) => count.format(s.mailbox.objects)],
  ['Size of the mailbox', (s) => bytes(s.mailbox.bytes)], ['Tickets refused', (s) => count.format(s.tickets.refused)],
  ['Told to wait', (s) => count.format(s.rateLimited)], ['Version', (s) => s.version],
];
// What a sample shows, and whether it is a rate: of what was counted since the sample before.
const charts = [
  ['Answers', (s) => answersOf(s), rate, true], ['Tunnels', (s) => s.tunnels.bytes, (v) => `${bytes(v)}/s`, true],
  ['Connections', (s) => s.connections, (v) => count.format(v), false], ['Peers', (s) => s.peers, (v) => count.format(v), false],
];

function answersOf(stats) {
  return Object.values(stats.answers).flatMap((kind) => Object.values(kind)).reduce((sum, value) => sum + value, 0);
}
function element(name, properties = {}, ...children) {
  const made = Object.assign(document.createElement(name), properties);
  made.append(...children);
  return made;
}
function svg(name, attributes) {
  const made = document.createElementNS('http://www.w3.org/2000/svg', name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  return made;
}

const tileValues = tiles.map(([name]) => {
  const value = element('dd');
  byId('tiles').append(element('div', {}, element('dt', { textContent: name }), value));
  return value;
});
const drawings = charts.map(([name]) => {
  const now = element('output'), most = element('span');
  const picture = svg('svg', { viewBox: '0 0 300 100', preserveAspectRatio: 'none', role: 'img' });
  const curve = svg('polyline', { class: 'curve' });
  picture.append(svg('line', { class: 'base', x1: 0, x2: 300, y1: 99, y2: 99 }), curve);
  byId('charts').append(element('figure', {}, element('figcaption', {}, element('span', { textContent: name }), now), picture,
    element('p', { className: 'scale' }, element('span', { textContent: '10 min ago' }), most, element('span', { textContent: 'now' }))));
  return { now, most, picture, curve };
});

function series([, value, , isRate]) {
  if (!isRate) return samples.map(({ stats }) => value(stats));
  return samples.slice(1).map(({ at, stats }, i) => {
    const seconds = (at - samples[i].at) / 1000;
    // A relay that was started anew counts from nothing.
    return Math.max(0, value(stats) - value(samples[i].stats)) / Math.max(seconds, 0.001);
  });
}
function draw(chart, drawing) {
  const values = series(chart), [name, , format] = chart;
  if (values.length === 0) return;
  const top = Math.max(...values), last = values[values.length - 1];
  drawing.curve.setAttribute('points', values.map((value, i) =>
    `${(300 * (samplesMax - values.length + i + 1) / samplesMax).toFixed(1)},${(98 - 94 * (top > 0 ? value / top : 0)).toFixed(1)}`)
    .join(' '));
  drawing.now.textContent = format(last);
  drawing.most.textContent = `at most ${format(top)}`;
  drawing.picture.setAttribute('aria-label', `${name}: now ${format(last)}, at most ${format(top)} in the last ten minutes`);
}
function show(stats) {
  samples.push({ at: performance.now(), stats });
  if (samples.length > samplesMax) samples.shift();
  tiles.forEach(([, value], i) => { tileValues[i].textContent = value(stats); });
  charts.forEach((chart, i) => draw(chart, drawings[i]));
  byId('answers-rows').replaceChildren(...Object.entries(stats.answers).flatMap(([kind, byStatus]) =>
    Object.entries(byStatus).map(([status, number]) => element('tr', {}, element('th', { scope: 'row', textContent: kind }),
      element('td', { textContent: status }), element('td', { textContent: count.format(number) })))));
}

// Said aloud by screen readers, so only when it changes.
function say(text, isBad) {
  const state = byId('state');
  if (state.textContent !== text) state.textContent = text;
  state.classList.toggle('bad', isBad);
}
function askForToken(isWrong) {
  byId('numbers').hidden = true;
  byId('sign-in').hidden = false;
  say(isWrong ? 'This token is not an operator’s' : 'The numbers are for operators', isWrong);
}
async function ask() {
  try {
    const response = await fetch('/v1/stats', { headers: token ? { Authorization: `Bearer ${token}` } : {}, cache: 'no-store' });
    if (response.status === 401) {
      const wasWrong = token !== '';
      token = '';
      return askForToken(wasWrong);
    }
    if (!response.ok) throw new Error(`status ${response.status}`);
    show(await response.json());
    byId('sign-in').hidden = true;
    byId('numbers').hidden = false;
    say('Serving', false);
  } catch (error) {
    say(`No answer: ${error.message}`, true);
  }
  setTimeout(ask, interval);
}
byId('sign-in').addEventListener('submit', (event) => {
  event.preventDefault();
  token = byId('token').value.trim();
  byId('token').value = '';
  ask();
});
ask();
