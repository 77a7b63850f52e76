// Live pictures, by whatever this browser can: WebCodecs, Media Source Extensions, pictures one
// after another, or HLS. The first two read the same WebSocket.

/** What can be chosen, the fastest first. */
export const transports = [
  ['webcodecs', 'WebCodecs', () => window.isSecureContext && 'VideoDecoder' in window],
  ['mse', 'MSE', () => Boolean(mediaSource())],
  ['mjpeg', 'Pictures (MJPEG)', () => true],
  ['hls', 'HLS', () => document.createElement('video').canPlayType('application/vnd.apple.mpegurl') !== ''],
];

const mediaSource = () => window.ManagedMediaSource ?? window.MediaSource;

/** Boxes of an MP4 (ISO/IEC 14496-12): [type, first byte of its content, end]. */
function* boxes(view, from = 0, to = view.byteLength) {
  while (from + 8 <= to) {
    const size = view.getUint32(from) || to - from;
    const type = String.fromCharCode(...new Uint8Array(view.buffer, view.byteOffset + from + 4, 4));
    if (size < 8 || from + size > to) throw new Error('a damaged box');
    yield [type, from + 8, from + size];
    from += size;
  }
}

function find(view, path, from = 0, to = view.byteLength) {
  const [head, ...rest] = path;
  for (const [type, begin, end] of boxes(view, from, to)) {
    if (type !== head) continue;
    // The lists of sample entries begin behind a version and a count, the entry of a video behind 78 bytes.
    const skip = type === 'stsd' ? 8 : type === 'avc1' ? 78 : 0;
    return rest.length ? find(view, rest, begin + skip, end) : [begin, end];
  }
  throw new Error(`no ${head}`);
}

/** What a header says: codec, its set-up data, and ticks a second. */
function described(bytes) {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const media = ['moov', 'trak', 'mdia'];
  const [head] = find(view, [...media, 'mdhd']);
  const timescale = view.getUint32(head + (view.getUint8(head) === 1 ? 20 : 12));
  const [from, to] = find(view, [...media, 'minf', 'stbl', 'stsd', 'avc1', 'avcC']);
  const setup = bytes.slice(from, to);
  const hex = (n) => n.toString(16).padStart(2, '0').toUpperCase();
  return { codec: `avc1.${hex(setup[1])}${hex(setup[2])}${hex(setup[3])}`, setup, timescale };
}

/** When a fragment is shown, seconds of the stream, and its frame. */
function fragment(bytes, timescale) {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const [head] = find(view, ['moof', 'traf', 'tfdt']);
  const time = view.getUint8(head) === 1 ? Number(view.getBigUint64(head + 4)) : view.getUint32(head + 4);
  const [from, to] = find(view, ['mdat']);
  return { time: time / timescale, data: bytes.subarray(from, to) };
}

/** A socket that comes again, and says how the server's clock differs from this one. */
class Feed {
  constructor(url, take) {
    this.url = url;
    this.take = take;
    this.offset = 0;
    this.best = Infinity;
    this.wait = 250;
    this.connect();
  }

  connect() {
    const socket = new WebSocket(this.url);
    this.socket = socket;
    socket.binaryType = 'arraybuffer';
    socket.onopen = () => {
      this.wait = 250;
      this.best = Infinity;
      this.ask();
      this.asking = setInterval(() => this.ask(), 2000);
    };
    socket.onmessage = ({ data }) => {
      if (typeof data === 'string') {
        const { asked, now } = JSON.parse(data);
        const took = Date.now() - asked;
        // The quickest answer says most.
        if (took <= this.best) {
          this.best = took;
          this.offset = now - (asked + took / 2);
        }
        this.best += 1;
        return;
      }
      const view = new DataView(data);
      this.take(view.getUint8(0), view.getFloat64(8), new Uint8Array(data, 16));
    };
    socket.onclose = () => {
      clearInterval(this.asking);
      if (this.closed) return;
      setTimeout(() => this.closed || this.connect(), this.wait);
      this.wait = Math.min(this.wait * 2, 5000);
    };
  }

  ask() {
    if (this.socket.readyState === WebSocket.OPEN) this.socket.send(String(Date.now()));
  }

  age(at) {
    return Date.now() + this.offset - at;
  }

  close() {
    this.closed = true;
    clearInterval(this.asking);
    const { socket } = this;
    if (socket.readyState === WebSocket.CONNECTING) socket.onopen = () => socket.close();
    else socket.close();
  }
}

class ByWebCodecs {
  constructor(url, screen, say) {
    this.say = say;
    this.canvas = document.createElement('canvas');
    screen.replaceChildren(this.canvas);
    this.context = this.canvas.getContext('2d');
    this.made = new Map();
    this.feed = new Feed(url, (...message) => this.take(...message));
  }

  begin(bytes) {
    this.about = described(bytes);
    if (this.decoder?.state !== 'closed') this.decoder?.close();
    this.decoder = new VideoDecoder({
      output: (frame) => this.show(frame),
      error: () => { this.say({ recovered: 1 }); this.broken = true; },
    });
    const { codec, setup } = this.about;
    this.decoder.configure({ codec, description: setup, optimizeForLatency: true });
    this.waits = true;
  }

  take(kind, at, bytes) {
    try {
      if (kind === 0) {
        this.header = bytes.slice();
        this.begin(this.header);
        return;
      }
      if (this.broken && kind === 1 && this.header) {
        this.broken = false;
        this.begin(this.header);
      }
      if (!this.about || this.broken || (this.waits && kind !== 1)) return;
      // A page that cannot keep up goes on at the next keyframe.
      if (this.decoder.decodeQueueSize > 30) { this.waits = true; return; }
      this.waits = false;
      const { time, data } = fragment(bytes, this.about.timescale);
      const timestamp = Math.round(time * 1e6);
      this.made.set(timestamp, at);
      if (this.made.size > 500) this.made.delete(this.made.keys().next().value);
      this.decoder.decode(new EncodedVideoChunk({ type: kind === 1 ? 'key' : 'delta', timestamp, data }));
    } catch {
      this.broken = true;
      this.say({ recovered: 1 });
    }
  }

  show(frame) {
    if (this.canvas.width !== frame.displayWidth) this.canvas.width = frame.displayWidth;
    if (this.canvas.height !== frame.displayHeight) this.canvas.height = frame.displayHeight;
    this.context.drawImage(frame, 0, 0);
    const at = this.made.get(frame.timestamp);
    frame.close();
    if (at) this.say({ latency: this.feed.age(at) });
  }

  close() {
    this.feed.close();
    if (this.decoder?.state !== 'closed') this.decoder?.close();
  }
}

class ByMse {
  constructor(url, screen, say) {
    this.say = say;
    this.screen = screen;
    this.made = [];
    this.feed = new Feed(url, (...message) => this.take(...message));
    this.watch = setInterval(() => this.steer(), 100);
  }

  begin() {
    this.buffer = null;
    this.queue = [this.header];
    this.about = described(this.header);
    const video = document.createElement('video');
    video.muted = true;
    video.playsInline = true;
    video.disableRemotePlayback = true;
    const source = new (mediaSource())();
    video.src = URL.createObjectURL(source);
    video.onerror = () => this.fail(source);
    source.addEventListener('sourceopen', () => {
      URL.revokeObjectURL(video.src);
      if (source !== this.source || this.buffer) return;
      try {
        this.buffer = source.addSourceBuffer(`video/mp4; codecs="${this.about.codec}"`);
      } catch {
        this.fail(source);
        return;
      }
      this.buffer.onupdateend = () => this.feedOn();
      this.buffer.onerror = () => this.fail(source);
      this.feedOn();
    });
    this.source = source;
    this.screen.replaceChildren(video);
    this.video = video;
    this.begun = false;
    this.waits = true;
    this.broken = false;
    const shown = (_, { mediaTime }) => {
      if (video !== this.video) return;
      while (this.made.length > 1 && this.made[1][0] <= mediaTime + 0.001) this.made.shift();
      const [time, at] = this.made[0] ?? [];
      if (time <= mediaTime + 0.001) this.say({ latency: this.feed.age(at) });
      video.requestVideoFrameCallback(shown);
    };
    video.requestVideoFrameCallback?.(shown);
  }

  // A fragment that the browser refuses ends the source buffer: the next keyframe begins another.
  fail(source) {
    if (source !== this.source || this.broken) return;
    this.broken = true;
    this.say({ recovered: 1 });
  }

  take(kind, at, bytes) {
    if (kind === 0) {
      this.header = bytes.slice();
      this.begin();
      return;
    }
    if (this.broken && kind === 1) this.begin();
    if (!this.header || this.broken || (this.waits && kind !== 1)) return;
    this.waits = false;
    try {
      this.made.push([fragment(bytes, this.about.timescale).time, at]);
      if (this.made.length > 500) this.made.shift();
    } catch {
      this.fail(this.source);
      return;
    }
    this.queue.push(bytes.slice());
    this.feedOn();
  }

  feedOn() {
    if (!this.buffer || this.buffer.updating || this.broken || !this.queue.length) return;
    const size = this.queue.reduce((sum, part) => sum + part.byteLength, 0);
    const all = new Uint8Array(size);
    let at = 0;
    for (const part of this.queue.splice(0)) { all.set(part, at); at += part.byteLength; }
    try { this.buffer.appendBuffer(all); } catch { this.fail(this.source); }
  }

  // Near the end of what has come: a little faster when behind, a jump when far behind.
  steer() {
    const { video, buffer } = this;
    if (!video || !buffer || this.broken) return;
    const { buffered } = video;
    if (!buffered.length) return;
    const end = buffered.end(buffered.length - 1);
    if (!this.begun) {
      this.begun = true;
      video.currentTime = Math.max(buffered.start(buffered.length - 1), end - 0.05);
      video.play().catch(() => {});
    }
    const behind = end - video.currentTime;
    if (behind > 0.5 || behind < -0.5) video.currentTime = Math.max(0, end - 0.03);
    video.playbackRate = behind > 0.12 ? 1.1 : 1;
    if (video.paused) video.play().catch(() => {});
    const start = buffered.start(0);
    if (!buffer.updating && video.currentTime - start > 20) {
      try { buffer.remove(start, video.currentTime - 5); } catch { this.fail(this.source); }
    }
  }

  close() {
    clearInterval(this.watch);
    this.feed.close();
    this.source = null;
  }
}

class ByAddress {
  constructor(kind, url, screen, say) {
    const element = document.createElement(kind);
    if (kind === 'video') {
      element.muted = true;
      element.playsInline = true;
      element.autoplay = true;
    } else {
      element.alt = 'Live picture';
      element.onerror = () => { this.again = setTimeout(() => { element.src = `${url}#${Date.now()}`; }, 1000); };
    }
    element.src = url;
    screen.replaceChildren(element);
    this.element = element;
    say({ latency: null });
  }

  close() {
    clearTimeout(this.again);
    this.element.onerror = null;
    this.element.removeAttribute('src');
  }
}

/** Shows a stream; `say` is told of latency (milliseconds) and of what was recovered from. */
export function play(transport, stream, token, screen, say) {
  const query = token ? `?access_token=${encodeURIComponent(token)}` : '';
  const path = (ending) => `/live/${stream}.${ending}${query}`;
  const socket = () => `${location.protocol === 'https:' ? 'wss' : 'ws'}://${location.host}${path('ws')}`;
  switch (transport) {
    case 'webcodecs': return new ByWebCodecs(socket(), screen, say);
    case 'mse': return new ByMse(socket(), screen, say);
    case 'hls': return new ByAddress('video', path('m3u8'), screen, say);
    default: return new ByAddress('img', path('mjpeg'), screen, say);
  }
}
