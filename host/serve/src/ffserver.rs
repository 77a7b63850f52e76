//! Configurations of ffserver (FFmpeg up to 3.4, doc/ffserver.conf) as settings of `serve`.

use std::collections::{BTreeSet, HashMap};
use std::fmt::Write;

use filmgate_engine::spec::Size;

/// What a configuration becomes.
#[derive(Clone, Debug, Default)]
pub struct Imported {
    /// settings, as `serve --config` reads them
    pub toml: String,
    /// what is not in them, with line and reason
    pub dropped: Vec<String>,
}

/// One line: its number, the directive and what it says.
struct Directive<'a> {
    line: usize,
    name: String,
    words: Vec<&'a str>,
}

impl Directive<'_> {
    fn value(&self) -> &str {
        self.words.first().map_or("", |word| word.trim_matches('"'))
    }

    fn number(&self) -> Option<f64> {
        let text = self.value();
        let (digits, factor) = match text.as_bytes().last() {
            Some(b'k' | b'K') => (&text[..text.len() - 1], 1e3),
            Some(b'm' | b'M') => (&text[..text.len() - 1], 1e6),
            _ => (text, 1.0),
        };
        digits.parse::<f64>().ok().map(|n| n * factor).filter(|n| *n > 0.0)
    }
}

/// A `<Feed …>`, `<Stream …>` or `<Redirect …>`, or what stands outside of them.
struct Block<'a> {
    kind: String,
    name: String,
    line: usize,
    directives: Vec<Directive<'a>>,
}

fn blocks(text: &str) -> Result<Vec<Block<'_>>, String> {
    let top = Block { kind: String::new(), name: String::new(), line: 0, directives: Vec::new() };
    let (mut all, mut open) = (vec![top], None::<Block<'_>>);
    for (index, line) in text.lines().enumerate() {
        let (number, line) = (index + 1, line.trim());
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        if let Some(end) = line.strip_prefix("</") {
            let kind = end.trim_end_matches('>').trim().to_lowercase();
            match open.take() {
                Some(block) if block.kind == kind => all.push(block),
                _ => return Err(format!("line {number}: {line}: ends what has not begun")),
            }
        } else if let Some(begin) = line.strip_prefix('<') {
            if let Some(block) = &open {
                let (kind, line) = (&block.kind, block.line);
                return Err(format!("line {number}: <{kind}> of line {line} has not ended"));
            }
            let mut words = begin.trim_end_matches('>').split_whitespace();
            let kind = words.next().unwrap_or_default().to_lowercase();
            let name = words.next().unwrap_or_default().to_owned();
            open = Some(Block { kind, name, line: number, directives: Vec::new() });
        } else {
            let mut words = line.split_whitespace();
            let name = words.next().unwrap_or_default().to_owned();
            let directive = Directive { line: number, name, words: words.collect() };
            match &mut open {
                Some(block) => block.directives.push(directive),
                None => all[0].directives.push(directive),
            }
        }
    }
    match open {
        Some(block) => Err(format!("line {}: <{}> has not ended", block.line, block.kind)),
        None => Ok(all),
    }
}

/// Sizes by name (ffmpeg-utils(1), "Video size").
const SIZES: [(&str, u32, u32); 14] = [
    ("sqcif", 128, 96),
    ("qcif", 176, 144),
    ("cif", 352, 288),
    ("4cif", 704, 576),
    ("qqvga", 160, 120),
    ("qvga", 320, 240),
    ("vga", 640, 480),
    ("svga", 800, 600),
    ("xga", 1024, 768),
    ("ntsc", 720, 480),
    ("pal", 720, 576),
    ("hd480", 852, 480),
    ("hd720", 1280, 720),
    ("hd1080", 1920, 1080),
];

fn size(text: &str) -> Option<(u32, u32)> {
    if let Some((_, width, height)) = SIZES.iter().find(|(name, ..)| *name == text) {
        return Some((*width, *height));
    }
    let Size(width, height) = text.parse().ok()?;
    Some((width, height))
}

/// The ending under which a format is found.
fn ending(format: &str) -> Option<&'static str> {
    Some(match format {
        "mpeg" | "mpegvideo" | "mpeg1video" | "mpeg2video" | "vob" | "dvd" => "mpg",
        "mpjpeg" => "mjpeg",
        "jpeg" | "singlejpeg" => "jpg",
        "mpegts" => "ts",
        "flv" => "flv",
        "mp4" => "mp4",
        _ => return None,
    })
}

fn quoted(text: &str) -> String {
    toml::Value::String(text.to_owned()).to_string()
}

fn list(items: &[String]) -> String {
    format!("[{}]", items.iter().map(|item| quoted(item)).collect::<Vec<_>>().join(", "))
}

/// Names that `serve` takes, each once.
#[derive(Default)]
struct Names(BTreeSet<String>);

impl Names {
    fn plain(&mut self, name: &str) -> String {
        let is_plain = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
        let clean = |text: &str| -> String {
            text.chars().map(|c| if is_plain(c) { c } else { '-' }).take(48).collect()
        };
        let stem = clean(name.rsplit_once('.').map_or(name, |(stem, _)| stem));
        let mut candidates = vec![stem.clone(), clean(name)];
        candidates.extend((2..1000).map(|n| format!("{stem}-{n}")));
        let free = candidates.into_iter().find(|c| !c.is_empty() && !self.0.contains(c));
        let name = free.unwrap_or_else(|| "stream".to_owned());
        self.0.insert(name.clone());
        name
    }
}

#[derive(Default)]
struct Import {
    out: Imported,
    top: String,
    feeds: Vec<FeedText>,
    /// ffserver's names of feeds to places in `feeds`
    by_name: HashMap<String, usize>,
    names: Names,
    viewers: Option<u64>,
}

/// A feed, as far as its text is known.
struct FeedText {
    head: String,
    streams: Vec<String>,
}

impl Import {
    fn drop(&mut self, line: usize, what: &str, why: &str) {
        self.out.dropped.push(format!("line {line}: {what}: {why}"));
    }

    fn drop_directive(&mut self, directive: &Directive<'_>, why: &str) {
        let what = [&[&*directive.name], &directive.words[..]].concat().join(" ");
        self.drop(directive.line, &what, why);
    }

    fn global(&mut self, block: &Block<'_>) {
        let (mut port, mut address) = ("8090".to_owned(), None);
        for directive in &block.directives {
            match &*directive.name.to_lowercase() {
                "httpport" | "port" => port = directive.value().to_owned(),
                "httpbindaddress" | "bindaddress" => address = Some(directive),
                "maxhttpconnections" => match directive.number() {
                    Some(n) => _ = writeln!(self.top, "limits.connections = {n}"),
                    None => self.drop_directive(directive, "is no number"),
                },
                "maxclients" => self.viewers = directive.number().map(|n| n as u64),
                "maxbandwidth" => self.drop_directive(
                    directive,
                    "bandwidth is not limited as such; `max-viewers` of a feed limits it",
                ),
                "customlog" if directive.value() == "-" => {
                    _ = writeln!(self.top, "access-log = \"/dev/stdout\"");
                }
                "customlog" => {
                    _ = writeln!(self.top, "access-log = {}", quoted(directive.value()));
                }
                "nodaemon" => {}
                "rtspport" | "rtspbindaddress" => {
                    self.drop_directive(
                        directive,
                        "there is no RTSP server; `push` sends a stream to one",
                    );
                }
                _ => self.drop_directive(directive, "there is nothing like it"),
            }
        }
        let given = address.map_or("127.0.0.1", |directive| directive.value());
        let listen = format!("listen = \"{given}:{port}\"\n");
        self.top.insert_str(0, &listen);
        if let Some(directive) = address.filter(|_| !given.starts_with("127.")) {
            self.drop_directive(
                directive,
                "kept, but beyond loopback a token and TLS are needed: `filmgate serve token add`, --tls-cert or --behind-proxy",
            );
        }
    }

    fn feed(&mut self, block: &Block<'_>) {
        let name = self.names.plain(&block.name);
        let mut head = format!("[[feed]]\nname = {}\n", quoted(&name));
        let mut file = None;
        for directive in &block.directives {
            match &*directive.name.to_lowercase() {
                "file" => file = Some(directive),
                "readonlyfile" => {
                    _ = writeln!(head, "source = {}\nloop = true", quoted(directive.value()));
                }
                "filemaxsize" | "truncate" => self.drop_directive(
                    directive,
                    "what a feed was is kept in memory, as long as `history` of a stream says",
                ),
                "acl" => self.drop_directive(
                    directive,
                    "who may do what is said by tokens: `filmgate serve token add NAME --scope write:feeds/NAME`",
                ),
                "launch" => self.drop_directive(
                    directive,
                    "no command is started; `source` names what the server opens itself, and `source-format` how",
                ),
                _ => self.drop_directive(directive, "there is nothing like it"),
            }
        }
        if let Some(directive) = file {
            self.drop_directive(directive, "a feed is kept in no file");
        }
        if !head.contains("source =") {
            _ = writeln!(head, "paths = {}", list(&[format!("/{}", block.name)]));
        }
        if let Some(viewers) = self.viewers {
            _ = writeln!(head, "max-viewers = {viewers}");
        }
        self.by_name.insert(block.name.clone(), self.feeds.len());
        self.feeds.push(FeedText { head, streams: Vec::new() });
    }

    fn stream(&mut self, block: &Block<'_>) {
        let get = |name: &str| block.directives.iter().find(|d| d.name.eq_ignore_ascii_case(name));
        let format = get("format").map_or("", |d| d.value()).to_lowercase();
        if format == "status" {
            let why = "the page at / and /api/v1/feeds show how everything does";
            return self.drop(block.line, &format!("<Stream {}>", block.name), why);
        }
        let feed = match (get("feed"), get("file")) {
            (Some(feed), _) => self.by_name.get(feed.value()).copied(),
            (None, Some(file)) => Some(self.film(file.value())),
            (None, None) => None,
        };
        let Some(feed) = feed else {
            let why = "it has no feed that is in this file";
            return self.drop(block.line, &format!("<Stream {}>", block.name), why);
        };
        let name = self.names.plain(&block.name);
        let mut text = format!("[[feed.stream]]\nname = {}\n", quoted(&name));
        let own = block.name.rsplit_once('.').map_or("", |(_, ending)| ending);
        match ending(&format) {
            Some(known) if ending_is(own, known) => {
                _ = writeln!(text, "paths = {}", list(&[format!("/{}", block.name)]));
            }
            Some(known) => {
                let why = format!(
                    "the ending of an address says the format here; the stream is at /live/{name}.{known}"
                );
                self.drop(block.line, &format!("<Stream {}>", block.name), &why);
            }
            None if format.is_empty() && get("file").is_some() => {}
            None => {
                let why = format!(
                    "it cannot be had as {format}; the stream is at /live/{name}.ts, .mp4, .flv, .mpg, .mjpeg"
                );
                self.drop(block.line, &format!("<Stream {}>", block.name), &why);
            }
        }
        text.push_str(&self.encoding(block));
        self.feeds[feed].streams.push(text);
    }

    /// A film as a source of its own.
    fn film(&mut self, path: &str) -> usize {
        let stem = path.rsplit('/').next().unwrap_or("film");
        let name = self.names.plain(&format!("{stem}.film"));
        let head = format!(
            "[[feed]]\nname = {}\nsource = {}\nloop = true\non-demand = true\n",
            quoted(&name),
            quoted(path)
        );
        self.feeds.push(FeedText { head, streams: Vec::new() });
        self.feeds.len() - 1
    }

    /// Plugins and encoder.
    fn encoding(&mut self, block: &Block<'_>) -> String {
        let (mut plugins, mut text, mut rate) = (Vec::new(), String::new(), None);
        for directive in &block.directives {
            match &*directive.name.to_lowercase() {
                "feed" | "format" | "file" | "noaudio" | "startsendonkey" | "videohighquality" => {}
                "videosize" => match size(directive.value()) {
                    Some((width, height)) => {
                        plugins.push(format!("scale:width={width},height={height}"));
                    }
                    None => self.drop_directive(directive, "is no size"),
                },
                "videoframerate" => {
                    rate = directive.number();
                    plugins.push(format!("fps:rate={}", directive.value()));
                }
                "videobitrate" => match directive.number() {
                    // In kilobits.
                    Some(kilobits) => _ = writeln!(text, "bitrate = \"{kilobits}k\""),
                    None => self.drop_directive(directive, "is no number"),
                },
                "preroll" => match directive.number() {
                    Some(seconds) => {
                        _ = writeln!(text, "history = {}", seconds.ceil());
                        let why = "viewers begin at the latest keyframe; ?from=-15s goes back";
                        self.drop_directive(directive, why);
                    }
                    None => self.drop_directive(directive, "is no number"),
                },
                "videointraonly" => text.push_str("keyframe-interval = 0.001\n"),
                "videogopsize" => {
                    // In frames, of the rate that is said in the same block.
                    let given = block.directives.iter();
                    let own = given.filter(|d| d.name.eq_ignore_ascii_case("videoframerate"));
                    let rate = rate.or(own.filter_map(Directive::number).next()).unwrap_or(25.0);
                    match directive.number() {
                        Some(frames) => {
                            _ = writeln!(text, "keyframe-interval = {:.3}", frames / rate);
                        }
                        None => self.drop_directive(directive, "is no number"),
                    }
                }
                "acl" => self.drop_directive(
                    directive,
                    "who may watch is said by tokens: `filmgate serve token add NAME --scope read:feeds/NAME`",
                ),
                name if name.starts_with("audio") || name == "avoptionaudio" || name == "avpresetaudio" => {
                    self.drop_directive(directive, "feeds carry no sound");
                }
                "metadata" | "title" | "author" | "copyright" | "comment" => {
                    self.drop_directive(directive, "live streams carry no tags");
                }
                "videocodec" => self.drop_directive(directive, "the ending of the address says the codec"),
                "novideo" => self.drop_directive(directive, "feeds carry no sound; this stream has nothing left"),
                _ => self.drop_directive(directive, "there is nothing like it"),
            }
        }
        if !plugins.is_empty() {
            text.insert_str(0, &format!("plugins = {}\n", list(&plugins)));
        }
        text
    }
}

/// Whether an ending of an address stands for a format.
fn ending_is(own: &str, known: &str) -> bool {
    own == known || (known == "mjpeg" && own == "mjpg")
}

/// Translates a configuration.
///
/// # Errors
/// Why it is none, with the line.
pub fn import(text: &str) -> Result<Imported, String> {
    let blocks = blocks(text)?;
    let mut import = Import::default();
    import.global(&blocks[0]);
    for block in &blocks[1..] {
        if block.kind == "feed" {
            import.feed(block);
        }
    }
    for block in &blocks[1..] {
        match &*block.kind {
            "feed" => {}
            "stream" => import.stream(block),
            "redirect" => {
                let url = block.directives.iter().find(|d| d.name.eq_ignore_ascii_case("url"));
                let why = format!(
                    "nothing is redirected; a proxy can send visitors to {}",
                    url.map_or("it", |d| d.value())
                );
                import.drop(block.line, &format!("<Redirect {}>", block.name), &why);
            }
            other => {
                let what = format!("<{other} {}>", block.name);
                import.drop(block.line, &what, "there is nothing like it");
            }
        }
    }
    let mut parts = vec![import.top];
    for feed in import.feeds {
        parts.push([vec![feed.head], feed.streams].concat().join("\n"));
    }
    import.out.toml = parts.join("\n");
    // Outside, in the order of the file.
    import.out.dropped.sort_by_key(|text| {
        text.split([' ', ':']).nth(1).and_then(|n| n.parse::<usize>().ok()).unwrap_or(0)
    });
    Ok(import.out)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::Settings;

    fn settings(text: &str) -> (Settings, Vec<String>) {
        let imported = import(text).expect("a configuration");
        let settings = toml::from_str(&imported.toml);
        let settings: Settings = settings.unwrap_or_else(|e| panic!("{e}\n{}", imported.toml));
        for feed in &settings.feed {
            feed.check().expect("a sound feed");
        }
        (settings, imported.dropped)
    }

    #[test]
    fn the_usual_sample() {
        let (settings, dropped) = settings(
            "HTTPPort 8091\nMaxHTTPConnections 2000\nMaxClients 7\n<Feed feed1.ffm>\nFile /tmp/feed1.ffm\n</Feed>\n\
             <Stream test1.mpg>\nFeed feed1.ffm\nFormat mpeg\nVideoBitRate 64\nVideoFrameRate 3\n\
             VideoSize 160x128\nVideoGopSize 12\nPreroll 15\n</Stream>\n\
             <Stream test.swf>\nFeed feed1.ffm\nFormat swf\nNoAudio\n</Stream>\n\
             <Stream stat.html>\nFormat status\n</Stream>\n<Redirect index.html>\nURL http://x/\n</Redirect>\n",
        );
        assert_eq!(settings.address().to_string(), "127.0.0.1:8091");
        assert_eq!(settings.limits.connections, 2000);
        let [feed] = &settings.feed[..] else { panic!("{:?}", settings.feed) };
        assert_eq!((&*feed.name, feed.max_viewers), ("feed1", Some(7)));
        assert_eq!(feed.paths, ["/feed1.ffm"]);
        let [first, second] = &feed.stream[..] else { panic!("{:?}", feed.stream) };
        assert_eq!(first.plugins, ["fps:rate=3", "scale:width=160,height=128"]);
        assert_eq!((first.paths.clone(), first.history), (vec!["/test1.mpg".to_owned()], 15));
        assert_eq!(first.bitrate.map(|b| b.0), Some(64_000));
        assert_eq!(first.keyframe_interval.map(|l| l.0.as_secs_f64()), Some(4.0));
        assert_eq!(second.paths, [""; 0]);
        let names: Vec<_> = dropped.iter().map(|d| d.split(": ").nth(1).expect("what")).collect();
        assert_eq!(
            names,
            [
                "File /tmp/feed1.ffm",
                "Preroll 15",
                "<Stream test.swf>",
                "<Stream stat.html>",
                "<Redirect index.html>"
            ]
        );
    }

    #[test]
    fn what_is_no_configuration() {
        assert!(import("</Feed>").is_err_and(|e| e.contains("line 1")));
        assert!(import("<Feed a>\n<Stream b>").is_err_and(|e| e.contains("line 2")));
        assert!(import("<Feed a>").is_err_and(|e| e.contains("has not ended")));
    }
}
