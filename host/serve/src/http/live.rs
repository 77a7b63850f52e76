//! Live feeds over HTTP: sources that are sent, and streams for viewers.

use std::convert::Infallible;
use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::extract::ws::{Message, WebSocket, WebSocketUpgrade};
use axum::extract::{FromRequestParts, Request, State};
use axum::http::{HeaderMap, Method, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use filmgate_feed::{Format, Kind};
use futures_util::{Stream, stream};
use tokio::sync::watch;

use super::body::{blocking, receive};
use super::{App, Caller, Peer, Shared};
use crate::access::Wish;
use crate::error::Fault;
use crate::feeds::hub::{Given, Hub, Place, Segment};
use crate::feeds::{Feed, Watching};

/// How long somebody waits for the first picture.
const PATIENCE: Duration = Duration::from_secs(15);

/// What separates the pictures of a stream of JPEG.
const BOUNDARY: &str = "filmgate";

/// The length of the header of a Flash video file, with the size of the tag before the first one.
const FLV_HEAD: usize = 13;

/// Requests that no other address takes: feeds that are sent, streams, and the paths that the
/// configuration gives them.
pub(crate) async fn live(State(app): Shared, request: Request) -> Response {
    answer(app, request).await.unwrap_or_else(IntoResponse::into_response)
}

async fn answer(app: Arc<App>, request: Request) -> Result<Response, Fault> {
    let path = request.uri().path().to_owned();
    let is_read = matches!(*request.method(), Method::GET | Method::HEAD);
    if is_read && let Some(page) = super::page::file(&path) {
        return Ok(page);
    }
    let sent = path.strip_prefix("/feeds/").map(|name| app.feeds.get(name)).transpose()?;
    if let Some(feed) = sent.or_else(|| app.feeds.sent_to(&path)) {
        if !matches!(*request.method(), Method::POST | Method::PUT) {
            return Err(Fault::Method);
        }
        let caller = caller(&app, &request)?;
        caller.check(Wish::Write(&format!("feeds/{}", feed.name)))?;
        return take(&app, feed, request.into_body()).await;
    }
    let own = app.feeds.at(&path);
    let in_live = path.strip_prefix("/live/");
    let Some((stream, ending)) = own.or_else(|| in_live.and_then(parts)) else {
        return Err(Fault::NotFound(format!("page {path}")));
    };
    if !is_read {
        return Err(Fault::Method);
    }
    let feed = app.feeds.of_stream(&stream);
    let feed = feed.ok_or_else(|| Fault::NotFound(format!("stream {stream}")))?;
    let caller = caller(&app, &request)?;
    caller.check(Wish::Read(&format!("feeds/{}", feed.name)))?;
    let back = seconds_back(request.uri())?;
    let viewer = |format| Viewer::enter(&app, &feed, &stream, format, back);
    match &*ending {
        "ts" => Ok(whole(viewer(Format::Ts)?, "video/mp2t")),
        "mp4" => Ok(whole(viewer(Format::Mp4)?, "video/mp4")),
        "flv" => Ok(whole(viewer(Format::Flv)?, "video/x-flv")),
        "mpg" => Ok(whole(viewer(Format::Mpg)?, "video/mpeg")),
        "mjpeg" | "mjpg" => Ok(pictures(viewer(Format::Jpeg)?)),
        "jpg" => picture(viewer(Format::Jpeg)?).await,
        "ws" => socket(&app, viewer(Format::Mp4)?, request).await,
        "m3u8" => playlist(&feed, &stream),
        other => segment(&feed, &stream, other),
    }
}

/// Stream and ending of `NAME.ENDING`, or of a file that a playlist names: `NAME/FILE`.
fn parts(path: &str) -> Option<(String, String)> {
    let (stream, rest) = path.split_once('/').or_else(|| path.rsplit_once('.'))?;
    Some((stream.to_owned(), rest.to_owned()))
}

/// Who asks. Players and browsers' sockets send no headers of one's choice: they may name the token
/// in the address (RFC 6750, section 2.3).
fn caller(app: &App, request: &Request) -> Result<Caller, Fault> {
    let peer = request.extensions().get::<Peer>().map_or_else(|| [0, 0, 0, 0].into(), |p| p.0.ip());
    let mut headers = HeaderMap::new();
    if let Some(given) = request.headers().get(header::AUTHORIZATION) {
        headers.insert(header::AUTHORIZATION, given.clone());
    } else if let Some(token) = query(request.uri(), "access_token") {
        let value = format!("Bearer {token}").parse();
        headers.insert(header::AUTHORIZATION, value.map_err(|_| Fault::Unauthorized)?);
    }
    app.admit(&headers, peer)
}

fn query<'a>(uri: &'a Uri, name: &str) -> Option<&'a str> {
    let pairs = uri.query()?.split('&');
    pairs.filter_map(|pair| pair.split_once('=')).find(|(key, _)| *key == name).map(|(_, v)| v)
}

/// `?from=-30s`: how far back to begin, nanoseconds.
fn seconds_back(uri: &Uri) -> Result<i64, Fault> {
    let Some(text) = query(uri, "from") else { return Ok(0) };
    let seconds = text.strip_prefix('-').map(|t| t.strip_suffix('s').unwrap_or(t));
    let seconds = seconds.and_then(|t| t.parse::<f64>().ok()).filter(|s| (0.0..1e6).contains(s));
    let wrong = || Fault::Request(format!("from={text}: is not a time before now, such as -30s"));
    Ok((seconds.ok_or_else(wrong)? * 1e9) as i64)
}

/// Takes a source that is sent, until it ends.
async fn take(app: &Arc<App>, feed: Arc<Feed>, body: Body) -> Result<Response, Fault> {
    if feed.settings.source.is_some() {
        let reason = format!("the feed {} has a source of its own", feed.name);
        return Err(Fault::Conflict(reason));
    }
    let name = feed.name.clone();
    receive(body, app.limits(), move |chunks| {
        let session = feed.begin(Stdio::piped())?;
        let stdin = session.take_stdin();
        let result = pass_on(chunks, stdin);
        session.wait();
        let shown = feed.shown();
        match (result, shown.error) {
            // What the worker says is the reason that it took no more.
            (_, Some(reason)) => Err(Fault::Request(reason)),
            (Err(e), None) => Err(e),
            (Ok(()), None) => Ok(()),
        }
    })
    .await?;
    Ok((StatusCode::OK, format!("the feed {name} has ended\n")).into_response())
}

fn pass_on(
    chunks: impl Iterator<Item = Result<Bytes, Fault>>,
    stdin: Option<std::process::ChildStdin>,
) -> Result<(), Fault> {
    use std::io::Write;
    let Some(mut stdin) = stdin else { return Ok(()) };
    for chunk in chunks {
        // It was told to end, or has died; it says why.
        if stdin.write_all(&chunk?).is_err() {
            return Ok(());
        }
    }
    Ok(())
}

/// Somebody who watches.
struct Viewer {
    watching: Watching,
    place: Place,
    pulse: watch::Receiver<u64>,
    ending: watch::Receiver<bool>,
}

impl Viewer {
    fn enter(
        app: &App,
        feed: &Arc<Feed>,
        stream: &str,
        format: Format,
        back: i64,
    ) -> Result<Viewer, Fault> {
        let most = feed.settings.max_viewers.unwrap_or(usize::MAX);
        if feed.viewers() >= most {
            let reason = format!("the feed {} has {most} viewers, and takes no more", feed.name);
            return Err(Fault::Busy(reason));
        }
        let watching = feed.watch(stream, format)?;
        let hub = &watching.hub;
        // The pictures of an encoder that was asleep are old.
        let place = if format == Format::Jpeg { hub.end() } else { Place::before_now(back) };
        let (pulse, ending) = (hub.pulse(), app.ending.subscribe());
        Ok(Viewer { watching, place, pulse, ending })
    }

    /// What comes next; none when the server ends.
    async fn next(&mut self) -> Option<Given> {
        loop {
            self.pulse.mark_unchanged();
            match self.watching.hub.next(&mut self.place) {
                Given::Wait => {}
                given => return Some(given),
            }
            tokio::select! {
                changed = self.pulse.changed() => changed.ok()?,
                _ = self.ending.wait_for(|end| *end) => return None,
            }
        }
    }
}

fn streamed(
    kind: &str,
    pieces: impl Stream<Item = Result<Bytes, Infallible>> + Send + 'static,
) -> Response {
    let headers = [(header::CONTENT_TYPE, kind), (header::CACHE_CONTROL, "no-store")];
    (headers, Body::from_stream(pieces)).into_response()
}

/// A container, from the latest keyframe on.
fn whole(viewer: Viewer, kind: &str) -> Response {
    streamed(
        kind,
        stream::unfold(viewer, |mut viewer| async move {
            let bytes = match viewer.next().await? {
                // A file has one beginning; what the encoder needs follows it.
                Given::Header(bytes, true) if viewer.watching.format == Format::Flv => {
                    bytes.slice(FLV_HEAD.min(bytes.len())..)
                }
                Given::Header(bytes, _) => bytes,
                Given::Piece(piece) => piece.bytes,
                Given::Wait => Bytes::new(),
            };
            Some((Ok(bytes), viewer))
        }),
    )
}

/// Pictures, each in place of the one before (multipart/x-mixed-replace).
fn pictures(viewer: Viewer) -> Response {
    let kind = format!("multipart/x-mixed-replace; boundary={BOUNDARY}");
    streamed(
        &kind,
        stream::unfold(viewer, |mut viewer| async move {
            let bytes = match viewer.next().await? {
                Given::Piece(piece) => {
                    let length = piece.bytes.len();
                    let head = format!(
                        "--{BOUNDARY}\r\nContent-Type: image/jpeg\r\nContent-Length: {length}\r\n\r\n"
                    );
                    Bytes::from([head.as_bytes(), &piece.bytes, b"\r\n"].concat())
                }
                _ => Bytes::new(),
            };
            Some((Ok(bytes), viewer))
        }),
    )
}

/// The next picture.
async fn picture(mut viewer: Viewer) -> Result<Response, Fault> {
    let next = async {
        loop {
            match viewer.next().await {
                Some(Given::Piece(piece)) => return Some(piece),
                Some(_) => {}
                None => return None,
            }
        }
    };
    let waited = tokio::time::timeout(PATIENCE, next).await.ok().flatten();
    let none = || Fault::Busy(format!("no picture came for {} s", PATIENCE.as_secs()));
    let piece = waited.ok_or_else(none)?;
    let headers = [(header::CONTENT_TYPE, "image/jpeg"), (header::CACHE_CONTROL, "no-store")];
    Ok((headers, piece.bytes).into_response())
}

/// Fragments of MP4 for the page, each with a head of 16 bytes: what it is (0 a header, 1 begins with
/// a keyframe, 2 any other), zeros, and the milliseconds since 1970 at which it was made, as a
/// big-endian double.
async fn socket(app: &Arc<App>, viewer: Viewer, request: Request) -> Result<Response, Fault> {
    let (mut parts, _) = request.into_parts();
    let upgrade = WebSocketUpgrade::from_request_parts(&mut parts, app).await;
    let upgrade = upgrade.map_err(|e| Fault::Request(e.body_text()))?;
    Ok(upgrade.on_upgrade(move |socket| watch_socket(socket, viewer)))
}

async fn watch_socket(mut socket: WebSocket, mut viewer: Viewer) {
    loop {
        tokio::select! {
            given = viewer.next() => {
                let (kind, at, bytes) = match given {
                    Some(Given::Header(bytes, _)) => (0, 0.0, bytes),
                    Some(Given::Piece(piece)) if piece.kind == Kind::Key => (1, piece.at, piece.bytes),
                    Some(Given::Piece(piece)) => (2, piece.at, piece.bytes),
                    Some(Given::Wait) => continue,
                    None => return,
                };
                let mut message = Vec::with_capacity(16 + bytes.len());
                message.extend_from_slice(&[kind, 0, 0, 0, 0, 0, 0, 0]);
                message.extend_from_slice(&f64::to_be_bytes(at));
                message.extend_from_slice(&bytes);
                if socket.send(Message::Binary(message.into())).await.is_err() {
                    return;
                }
            }
            // A page asks for the time, by which it shows the delay.
            said = socket.recv() => match said {
                Some(Ok(Message::Text(text))) => {
                    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
                    let now = since.unwrap_or_default().as_secs_f64() * 1e3;
                    let asked: f64 = text.as_str().parse().unwrap_or(0.0);
                    let answer = serde_json::json!({ "asked": asked, "now": now }).to_string();
                    if socket.send(Message::Text(answer.into())).await.is_err() {
                        return;
                    }
                }
                Some(Ok(_)) => {}
                Some(Err(_)) | None => return,
            },
        }
    }
}

fn segments(feed: &Feed, stream: &str) -> Result<(Arc<Hub>, Vec<Segment>), Fault> {
    feed.looked_at();
    let hub = Arc::clone(feed.find(stream)?.hub(Format::Mp4));
    let segments = hub.segments();
    Ok((hub, segments))
}

/// A playlist (RFC 8216).
fn playlist(feed: &Feed, stream: &str) -> Result<Response, Fault> {
    let (_, segments) = segments(feed, stream)?;
    let Some(first) = segments.first() else {
        return Err(Fault::Busy("the stream has no whole segment yet".to_owned()));
    };
    let longest = segments.iter().map(Segment::seconds).fold(1.0, f64::max).ceil();
    let mut text = format!(
        "#EXTM3U\n#EXT-X-VERSION:7\n#EXT-X-TARGETDURATION:{longest}\n#EXT-X-MEDIA-SEQUENCE:{}\n\
         #EXT-X-DISCONTINUITY-SEQUENCE:{}\n#EXT-X-INDEPENDENT-SEGMENTS\n",
        first.number,
        first.generation - 1
    );
    let mut generation = 0;
    for segment in &segments {
        if segment.generation != generation {
            if generation != 0 {
                text.push_str("#EXT-X-DISCONTINUITY\n");
            }
            generation = segment.generation;
            text.push_str(&format!("#EXT-X-MAP:URI=\"{stream}/init-{generation}.mp4\"\n"));
        }
        let (seconds, number) = (segment.seconds(), segment.number);
        text.push_str(&format!("#EXTINF:{seconds:.6},\n{stream}/{number}.m4s\n"));
    }
    let kind = "application/vnd.apple.mpegurl";
    let headers = [(header::CONTENT_TYPE, kind), (header::CACHE_CONTROL, "no-cache")];
    Ok((headers, text).into_response())
}

/// A file that a playlist names.
fn segment(feed: &Feed, stream: &str, name: &str) -> Result<Response, Fault> {
    let (hub, segments) = segments(feed, stream)?;
    let none = || Fault::NotFound(format!("{name} of the stream {stream}"));
    let header = name.strip_prefix("init-").and_then(|n| n.strip_suffix(".mp4"));
    let bytes = match header {
        Some(generation) => generation.parse().ok().and_then(|g| hub.header(g)),
        None => {
            let number = name.strip_suffix(".m4s").and_then(|n| n.parse::<u64>().ok());
            let found = segments.iter().find(|s| Some(s.number) == number);
            found.map(Segment::bytes)
        }
    };
    let headers = [(header::CONTENT_TYPE, "video/mp4"), (header::CACHE_CONTROL, "max-age=60")];
    Ok((headers, bytes.ok_or_else(none)?).into_response())
}

/// Blocking work of the other handlers of feeds.
pub(super) async fn on_feed<T: Send + 'static>(
    app: &App,
    name: &str,
    work: impl FnOnce(Arc<Feed>) -> Result<T, Fault> + Send + 'static,
) -> Result<T, Fault> {
    let feed = app.feeds.get(name)?;
    blocking(move || work(feed)).await
}
