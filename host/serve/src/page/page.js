import { play, transports } from '/player.js';

const $ = (id) => document.getElementById(id);
const make = (name, properties = {}, ...children) => {
  const element = Object.assign(document.createElement(name), properties);
  element.append(...children);
  return element;
};
let token = sessionStorage.getItem('token') ?? '';

/** Asks the server; what it refuses is an error with its reason. */
async function ask(path, { method = 'GET', body, type, headers = {} } = {}) {
  const all = { ...headers };
  if (token) all.Authorization = `Bearer ${token}`;
  if (type) all['Content-Type'] = type;
  const answer = await fetch(path, { method, body, headers: all });
  if (answer.status === 401) $('token').classList.add('bad');
  if (!answer.ok) {
    const problem = await answer.json().catch(() => ({}));
    throw new Error(problem.detail ?? `${answer.status} ${answer.statusText}`);
  }
  return answer;
}
const json = async (path, options) => (await ask(path, options)).json();
const send = (method, path, value) => json(path, { method, body: JSON.stringify(value), type: 'application/json' });
const say = (text) => { $('status').textContent = text; };
const attempt = async (work) => {
  try {
    const result = await work();
    say('');
    return result;
  } catch (error) {
    say(error.message);
    return undefined;
  }
};

// ---- parts of the page ----

let view = 'live';
for (const button of document.querySelectorAll('nav button')) {
  button.onclick = () => {
    view = button.dataset.view;
    for (const other of document.querySelectorAll('nav button')) {
      if (other === button) other.setAttribute('aria-current', 'page');
      else other.removeAttribute('aria-current');
    }
    for (const part of ['live', 'jobs', 'segments']) $(part).hidden = part !== view;
    if (view !== 'live') stop();
    look();
  };
}
$('token').onclick = () => { $('secret').value = token; $('ask').showModal(); };
$('ask').onclose = () => {
  if ($('ask').returnValue !== 'ok') return;
  token = $('secret').value.trim();
  sessionStorage.setItem('token', token);
  $('token').classList.remove('bad');
  stop();
  look();
};

// ---- live ----

let feeds = [];
let chosen = null;
let player = null;
let shownChain = '';
let latencies = [];
let recovered = 0;
let before = null;

for (const [value, name, works] of transports) {
  if (works()) $('transport').append(make('option', { value, textContent: name }));
}
$('transport').value = localStorage.getItem('transport') ?? '';
if (!$('transport').value) $('transport').selectedIndex = 0;
$('transport').onchange = () => {
  localStorage.setItem('transport', $('transport').value);
  stop();
  start();
};

function start() {
  if (player || !chosen || document.hidden || view !== 'live') return;
  latencies = [];
  $('latency').textContent = '–';
  player = play($('transport').value, chosen.stream, token, $('screen'), (said) => {
    if (said.recovered) recovered += said.recovered;
    if (typeof said.latency === 'number') {
      latencies.push(said.latency);
      if (latencies.length > 100) latencies.shift();
    }
  });
}
function stop() {
  player?.close();
  player = null;
}
// Nobody looks at a page that is hidden.
document.onvisibilitychange = () => (document.hidden ? stop() : start());
setInterval(() => {
  if (!latencies.length) return;
  const sorted = latencies.toSorted((a, b) => a - b);
  const middle = sorted[Math.floor(sorted.length / 2)];
  $('latency').textContent = `${Math.max(0, Math.round(middle))} ms`;
}, 500);

const feedOf = () => feeds.find((feed) => feed.name === chosen?.feed);
const streamOf = () => feedOf()?.streams.find((stream) => stream.name === chosen?.stream);

async function lookLive() {
  ({ feeds } = await json('/api/v1/feeds'));
  $('no-feeds').hidden = feeds.length > 0;
  $('stage').hidden = feeds.length === 0;
  const all = feeds.flatMap((feed) => feed.streams.map((stream) => ({ feed: feed.name, stream: stream.name })));
  if (!streamOf()) { stop(); chosen = all[0] ?? null; }
  const names = all.map((one) => one.stream).join();
  if ($('streams').dataset.names !== names) {
    $('streams').dataset.names = names;
    $('streams').replaceChildren(...all.map((one) => make('button', {
      type: 'button', role: 'tab', textContent: one.stream,
      onclick: () => { chosen = one; stop(); shownChain = ''; before = null; start(); look(); },
    })));
  }
  for (const [i, button] of [...$('streams').children].entries()) {
    button.setAttribute('aria-selected', String(all[i].stream === chosen?.stream));
  }
  start();
  const feed = feedOf();
  const stream = streamOf();
  if (!feed || !stream) return;
  const now = { frames: stream.frames, time: performance.now() };
  const rate = before && before.frames <= now.frames ? ((now.frames - before.frames) * 1000) / (now.time - before.time) : 0;
  before = now;
  const viewers = Object.values(stream.viewers).reduce((sum, n) => sum + n, 0);
  $('numbers').textContent = [
    feed.running ? `${feed.width ?? '?'}×${feed.height ?? '?'}` : 'waiting for the source',
    `${rate.toFixed(1)} frames/s`, `${stream.dropped} dropped`,
    `${viewers} ${viewers === 1 ? 'viewer' : 'viewers'}`,
    ...(stream.skipped ? [`${stream.skipped} skips`] : []), ...(recovered ? [`${recovered} recovered`] : []),
  ].join(' · ');
  showChain(stream.plugins);
  const events = feed.events.slice(-50).toReversed();
  $('events').replaceChildren(...events.map((event) => make('li', {
    textContent: `${new Date(event.at * 1000).toLocaleTimeString()} ${event.text}`,
  })));
}

const change = (body) => attempt(async () => {
  await send('PATCH', `/api/v1/feeds/${chosen.feed}/chain`, { stream: chosen.stream, ...body });
  await lookLive();
});
const given = () => (streamOf()?.plugins ?? []).map((plugin) => plugin.given);

function showChain(plugins) {
  const key = JSON.stringify(plugins.map((p) => [p.name, p.sha256]));
  if (key !== shownChain) {
    shownChain = key;
    $('chain').replaceChildren(...plugins.map(link));
  }
  for (const [i, plugin] of plugins.entries()) {
    const { state } = plugin;
    const text = state ? `${state.ms_a_frame.toFixed(2)} ms a frame · ${state.frames} frames · ${state.failures} failures` : '';
    const place = $('chain').children[i].querySelector('.state');
    if (place.textContent !== text) place.textContent = text;
    for (const field of $('chain').children[i].querySelectorAll('[data-name]')) {
      if (document.activeElement !== field) set(field, plugin.parameters[field.dataset.name]);
    }
  }
}

function link(plugin, index) {
  const move = (to) => {
    const list = given();
    const [one] = list.splice(index, 1);
    list.splice(to, 0, one);
    shownChain = '';
    change({ plugins: list });
  };
  const button = (text, name, onclick, disabled = false) => make('button', { type: 'button', textContent: text, title: name, ariaLabel: name, onclick, disabled });
  const count = streamOf()?.plugins.length ?? 1;
  const item = make('li', { draggable: true },
    make('div', { className: 'title' },
      make('strong', { textContent: `${plugin.name} ${plugin.version}` }),
      button('↑', `Move ${plugin.name} up`, () => move(index - 1), index === 0),
      button('↓', `Move ${plugin.name} down`, () => move(index + 1), index === count - 1),
      button('✕', `Remove ${plugin.name}`, () => { shownChain = ''; change({ plugins: given().filter((_, i) => i !== index) }); })),
    make('p', { className: 'weak', textContent: plugin.description.summary }),
    make('p', { className: 'weak state' }));
  item.ondragstart = (event) => { event.dataTransfer.setData('text/x-place', String(index)); };
  item.ondragover = (event) => { if (event.dataTransfer.types.includes('text/x-place')) { event.preventDefault(); item.classList.add('over'); } };
  item.ondragleave = () => item.classList.remove('over');
  item.ondrop = (event) => {
    item.classList.remove('over');
    const from = event.dataTransfer.getData('text/x-place');
    if (from === '') return;
    event.preventDefault();
    const list = given();
    const [one] = list.splice(Number(from), 1);
    list.splice(index, 0, one);
    shownChain = '';
    change({ plugins: list });
  };
  for (const parameter of plugin.description.parameters) item.append(field(parameter, index, plugin.parameters[parameter.name]));
  return item;
}

const short = (number) => String(Number(Number(number).toPrecision(3)));

function set(element, value) {
  if (value === undefined || value === null) return;
  if (element.type === 'checkbox') element.checked = Boolean(value);
  else if (element.type === 'color') element.value = String(value).slice(0, 7);
  else if (typeof value !== 'object') element.value = String(value);
  const shown = element.parentElement.querySelector('output');
  if (shown) shown.value = short(element.value);
}

let pending = null;
function field(parameter, plugin, value) {
  const id = `p${plugin}-${parameter.name}`;
  const range = parameter.minimum !== undefined && parameter.maximum !== undefined && ['integer', 'decimal'].includes(parameter.kind);
  let element;
  if (parameter.kind === 'choice') {
    element = make('select', {}, ...parameter.choices.map((choice) => make('option', { value: choice, textContent: choice })));
  } else {
    const type = { boolean: 'checkbox', color: 'color', integer: range ? 'range' : 'number', decimal: range ? 'range' : 'number' }[parameter.kind] ?? 'text';
    element = make('input', { type });
    if (range) {
      element.min = parameter.minimum;
      element.max = parameter.maximum;
    }
    if (parameter.kind === 'decimal') element.step = 'any';
  }
  element.id = id;
  element.dataset.name = parameter.name;
  const text = () => {
    if (element.type === 'checkbox') return String(element.checked);
    return range && parameter.kind === 'decimal' ? short(element.value) : element.value;
  };
  const apply = () => change({ plugin, parameters: { [parameter.name]: text() } });
  element.onchange = () => { clearTimeout(pending); pending = null; apply(); };
  if (range) {
    element.oninput = () => {
      element.parentElement.querySelector('output').value = short(element.value);
      pending ??= setTimeout(() => { pending = null; apply(); }, 60);
    };
  }
  const unit = parameter.unit ? ` (${parameter.unit})` : '';
  const file = parameter.kind === 'file' ? ', a file of the server’s folder' : '';
  const row = make('div', { className: 'field' },
    make('label', { htmlFor: id, textContent: `${parameter.name}${unit}${file}`, title: parameter.summary }), element);
  if (range) row.append(make('output', {}));
  set(element, value);
  return row;
}

$('add').onsubmit = (event) => {
  event.preventDefault();
  if ($('catalog').value) change({ plugins: [...given(), $('catalog').value] });
};
async function lookCatalog() {
  const { plugins } = await json('/api/v1/plugins');
  const filters = plugins.filter((plugin) => plugin.kind === 'filter' && !plugin.hidden_by);
  $('catalog').replaceChildren(...filters.map((plugin) => make('option', { value: plugin.name, textContent: plugin.name, title: plugin.about?.summary ?? '' })));
}

async function take(file) {
  $('checked').textContent = `${file.name} is being checked…`;
  const answer = await attempt(() => json('/api/v1/plugins', { method: 'POST', body: file, type: 'application/wasm' }));
  if (!answer) { $('checked').textContent = `${file.name} is refused: ${$('status').textContent}`; return; }
  const plugin = answer.report.plugin ?? {};
  const list = (items) => (items?.length ? items.join(', ') : 'none');
  $('checked').replaceChildren(
    make('p', {}, make('strong', { textContent: plugin.about?.name ?? file.name }), ` ${plugin.about?.summary ?? ''}`),
    make('p', { className: 'weak', textContent: `SHA-256 ${answer.name.replace('upload/', '')}` }),
    make('p', { className: 'weak', textContent: `imports: ${list(plugin.imports)}` }),
    make('p', { className: 'weak', textContent: `asks for: ${list(plugin.requires)}` }));
  await change({ plugins: [...given(), answer.name] });
}
function dropped(element, work) {
  element.addEventListener('dragover', (event) => { if (event.dataTransfer.types.includes('Files')) { event.preventDefault(); element.classList.add('over'); } });
  element.addEventListener('dragleave', () => element.classList.remove('over'));
  element.addEventListener('drop', (event) => {
    if (!event.dataTransfer.files.length) return;
    event.preventDefault();
    element.classList.remove('over');
    work([...event.dataTransfer.files]);
  });
}
dropped($('drop'), ([file]) => take(file));
$('wasm').onchange = () => { take($('wasm').files[0]); $('wasm').value = ''; };
$('save').onclick = () => {
  const quote = (text) => JSON.stringify(text);
  const text = `[[feed]]\nname = ${quote(chosen.feed)}\n\n[[feed.stream]]\nname = ${quote(chosen.stream)}\nplugins = [${given().map(quote).join(', ')}]\n`;
  const address = URL.createObjectURL(new Blob([text], { type: 'application/toml' }));
  make('a', { href: address, download: `${chosen.stream}.toml` }).click();
  setTimeout(() => URL.revokeObjectURL(address), 1000);
};

// ---- jobs ----

const percent = new Map();
/** Notes how far a job is, by its events. */
async function follow(id) {
  if (percent.has(id)) return;
  percent.set(id, null);
  try {
    const reader = (await ask(`/api/v1/jobs/${id}/events`)).body.pipeThrough(new TextDecoderStream()).getReader();
    let text = '';
    for (;;) {
      const { value, done } = await reader.read();
      if (done) break;
      const lines = (text + value).split('\n');
      text = lines.pop();
      for (const line of lines.filter((l) => l.startsWith('data:'))) {
        const event = JSON.parse(line.slice(5));
        if (typeof event.percent === 'number') percent.set(id, event.percent);
      }
    }
  } catch { /* it is asked for again */ }
  percent.delete(id);
}

async function lookJobs() {
  const jobs = await json('/api/v1/jobs');
  $('job-rows').replaceChildren(...jobs.map((job) => {
    const act = (what) => attempt(async () => { await send('POST', `/api/v1/jobs/${job.id}/${what}`, {}); await lookJobs(); });
    const button = (text, onclick) => make('button', { type: 'button', textContent: text, onclick, ariaLabel: `${text} job ${job.number}` });
    if (job.state === 'running') follow(job.id);
    const part = percent.get(job.id);
    const actions = make('td');
    if (['queued', 'running'].includes(job.state)) actions.append(button('Cancel', () => act('cancel')));
    if (['failed', 'canceled'].includes(job.state)) actions.append(button('Retry', () => act('retry')));
    actions.append(button('Details', () => attempt(async () => {
      $('receipt').querySelector('pre').textContent = JSON.stringify(await json(`/api/v1/jobs/${job.id}`), null, 2);
      $('receipt').showModal();
    })));
    const state = make('td', { textContent: job.state });
    if (job.error) state.append(make('p', { className: 'bad', textContent: job.error }));
    return make('tr', {}, make('td', { textContent: String(job.number) }), make('td', { textContent: `${job.verb} ${job.subject}` }), state,
      make('td', {}, typeof part === 'number' ? make('progress', { value: part, max: 100, ariaLabel: `progress of job ${job.number}` }) : ''), actions);
  }));
}

// ---- segments ----

let place = '';
async function lookSegments() {
  const devices = await json('/api/v1/tasks');
  const names = devices.map(({ task, device }) => `${task}/${device}`);
  if (!names.includes(place)) place = names[0] ?? '';
  const text = ({ task, device, segments, bytes }) => `${task} / ${device}: ${segments}, ${size(bytes)}`;
  if ($('device').dataset.names !== JSON.stringify(devices)) {
    $('device').dataset.names = JSON.stringify(devices);
    $('device').replaceChildren(...devices.map((d, i) => make('option', { value: names[i], textContent: text(d) })));
    await list('');
  }
  $('device').value = place;
}
$('device').onchange = () => { place = $('device').value; list(''); };
const size = (bytes) => (bytes < 1e6 ? `${(bytes / 1e3).toFixed(1)} kB` : `${(bytes / 1e6).toFixed(1)} MB`);
const url = (path) => path.split('/').map(encodeURIComponent).join('/');

const list = (after) => attempt(async () => {
  if (!place) { $('segment-rows').replaceChildren(); return; }
  const query = after ? `?after=${encodeURIComponent(after)}` : '';
  const { segments, next } = await json(`/api/v1/tasks/${url(place)}${query}`);
  const rows = segments.map((segment) => {
    const address = `/api/v1/tasks/${url(place)}/${url(segment.path)}`;
    const button = (name, onclick) => make('button', { type: 'button', textContent: name, onclick, ariaLabel: `${name} ${segment.path}` });
    const get = async () => URL.createObjectURL(await (await ask(address)).blob());
    return make('tr', {},
      make('td', { textContent: segment.path, title: segment.sha256 ?? '' }), make('td', { textContent: size(segment.size) }),
      make('td', { textContent: new Date(segment.modified * 1000).toLocaleString() }),
      make('td', {},
        button('Play', () => attempt(async () => { $('film').src = token ? await get() : address; $('film').hidden = false; await $('film').play(); })),
        button('Save', () => attempt(async () => make('a', { href: token ? await get() : address, download: segment.path.split('/').pop() }).click())),
        button('Delete', () => confirm(`Delete ${segment.path}?`) && attempt(async () => { await ask(address, { method: 'DELETE' }); await list(''); }))));
  });
  if (after) $('segment-rows').append(...rows); else $('segment-rows').replaceChildren(...rows);
  $('more').hidden = !next;
  $('more').onclick = () => list(next);
});
$('join').onclick = () => attempt(async () => {
  const [, device] = place.split('/');
  await send('POST', `/api/v1/tasks/${url(place)}/join`, { output: `${device}.mp4` });
  document.querySelector('[data-view="jobs"]').click();
});

/** Uploads a file in pieces (tus 1.0), and goes on where it stands after an error. */
async function upload(file) {
  const form = new FormData($('upload'));
  const parts = [form.get('task'), form.get('device'), form.get('folder'), file.name].filter(Boolean);
  const address = `/api/v1/tasks/${url(parts.join('/'))}`;
  const bar = make('progress', { max: file.size || 1, value: 0, ariaLabel: file.name });
  const line = make('li', {}, `${file.name} `, bar);
  $('uploads').prepend(line);
  const tus = { 'Tus-Resumable': '1.0.0' };
  await ask(address, { method: 'POST', headers: { ...tus, 'Upload-Length': String(file.size) } });
  let at = 0;
  for (let failures = 0; at < file.size;) {
    try {
      const body = file.slice(at, at + (8 << 20));
      const answer = await ask(address, { method: 'PATCH', body, type: 'application/offset+octet-stream', headers: { ...tus, 'Upload-Offset': String(at) } });
      at = Number(answer.headers.get('upload-offset'));
      failures = 0;
    } catch (error) {
      failures += 1;
      if (failures > 8) throw error;
      await new Promise((resolve) => { setTimeout(resolve, 250 * 2 ** failures); });
      const answer = await ask(address, { method: 'HEAD', headers: tus });
      at = Number(answer.headers.get('upload-offset'));
    }
    bar.value = at;
  }
  line.textContent = `${file.name}: ${size(file.size)} uploaded`;
  place = parts.slice(0, 2).join('/');
}
async function uploadAll(files) {
  if (!$('upload').reportValidity()) return;
  for (const file of files) await attempt(() => upload(file));
  $('device').dataset.names = '';
  await attempt(lookSegments);
}
$('files').onchange = () => { uploadAll([...$('files').files]); };
$('upload').onsubmit = (event) => event.preventDefault();
dropped($('upload'), uploadAll);

// ---- looking ----

async function look() {
  const work = { live: lookLive, jobs: lookJobs, segments: lookSegments }[view];
  await attempt(work);
}
attempt(lookCatalog);
await look();
setInterval(() => { if (!document.hidden) look(); }, 1000);
