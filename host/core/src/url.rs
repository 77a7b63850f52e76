//! Addresses of the network, shown without their secrets: passwords, values of the query, and the
//! stream keys that stand in the path of RTMP, RTSP and SRT addresses. Logs, messages, JSON and
//! receipts are passed on to others; a stream key in them lets anyone publish.
//!
//! Three layers, since an address reaches texts in many ways:
//! - [`Url`] shows itself redacted, so that our own texts cannot quote the whole of it;
//! - [`redact`] finds every address in a text, for messages and the log;
//! - every address that was ever a [`Url`], or was [noted](note), is known: [`redact_known`] finds
//!   it in results, whose other texts must not change, and [`redact_words`] finds its single
//!   secrets in lines of libav's.

use std::fmt;
use std::sync::{PoisonError, RwLock};

/// An address. Shown, it is redacted.
#[derive(Clone)]
pub struct Url {
    text: String,
    shown: String,
}

impl Url {
    /// An address that is read from.
    pub fn new(text: impl Into<String>) -> Url {
        Url::of(text.into(), false)
    }

    /// An address that is published to: what stands in its path is a key.
    pub fn push(text: impl Into<String>) -> Url {
        Url::of(text.into(), true)
    }

    fn of(text: String, push: bool) -> Url {
        let shown = shown(&text, push);
        remember(&text, &shown, push);
        Url { text, shown }
    }

    /// The whole address, for libav alone.
    pub fn secret(&self) -> &str {
        &self.text
    }
}

impl From<&str> for Url {
    fn from(text: &str) -> Url {
        Url::new(text)
    }
}

impl PartialEq for Url {
    fn eq(&self, other: &Url) -> bool {
        self.text == other.text
    }
}

impl Eq for Url {}

impl fmt::Display for Url {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.shown)
    }
}

impl fmt::Debug for Url {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Url({})", self.shown)
    }
}

/// What stands in place of a secret.
const HIDDEN: &str = "***";

/// The parts of an address, as libav takes them apart (`av_url_split` in libavformat/utils.c): user
/// information ends at the last `@` before the path.
struct Parts<'a> {
    scheme: &'a str,
    user: Option<&'a str>,
    host: &'a str,
    /// with the `/` before it
    path: &'a str,
    query: Option<&'a str>,
}

impl<'a> Parts<'a> {
    fn of(text: &'a str) -> Option<Parts<'a>> {
        let (scheme, rest) = text.split_once("://")?;
        let (address, query) = match rest.split_once('?') {
            Some((address, query)) => (address, Some(query)),
            None => (rest, None),
        };
        let (authority, path) = address.split_at(address.find('/').unwrap_or(address.len()));
        let (user, host) = match authority.rsplit_once('@') {
            Some((user, host)) => (Some(user), host),
            None => (None, authority),
        };
        Some(Parts { scheme, user, host, path, query })
    }

    /// The path that may be seen, and the key behind it. Of `/live/KEY` the application is shown;
    /// a part that stands alone may be either.
    fn key(&self, push: bool) -> (&'a str, &'a str) {
        let scheme = self.scheme.to_ascii_lowercase();
        let keyed =
            scheme.starts_with("rtmp") || push && matches!(&*scheme, "srt" | "rtsp" | "rtsps");
        let from = self.path.len() - self.path.trim_start_matches('/').len();
        let end = self.path[from..].find('/').map(|at| from + at + 1);
        if !keyed {
            (self.path, "")
        } else {
            self.path.split_at(end.filter(|at| *at < self.path.len()).unwrap_or(from))
        }
    }
}

fn shown(text: &str, push: bool) -> String {
    let Some(parts) = Parts::of(text) else { return text.to_owned() };
    let user = match parts.user.map(|user| user.split_once(':').ok_or(user)) {
        None => String::new(),
        Some(Ok((name, _))) => format!("{name}:{HIDDEN}@"),
        Some(Err(_)) => format!("{HIDDEN}@"),
    };
    let (path, key) = parts.key(push);
    let key = if key.is_empty() { "" } else { HIDDEN };
    let pair = |pair: &str| match pair.split_once('=') {
        Some((name, _)) => format!("{name}={HIDDEN}"),
        None if pair.is_empty() => String::new(),
        None => HIDDEN.to_owned(),
    };
    let query = parts.query.map_or(String::new(), |query| {
        format!("?{}", query.split('&').map(pair).collect::<Vec<_>>().join("&"))
    });
    format!("{}://{user}{}{path}{key}{query}", parts.scheme, parts.host)
}

/// The secrets of an address, one by one, as they stand there and decoded.
fn secrets(text: &str, push: bool) -> Vec<String> {
    let Some(parts) = Parts::of(text) else { return Vec::new() };
    let mut all = Vec::new();
    all.extend(parts.user.map(|user| user.split_once(':').map_or(user, |(_, word)| word)));
    let (_, key) = parts.key(push);
    all.push(key);
    all.extend(key.split('/'));
    let pairs = parts.query.iter().flat_map(|query| query.split('&'));
    all.extend(pairs.map(|pair| pair.split_once('=').map_or(pair, |(_, value)| value)));
    let mut words: Vec<String> = all.iter().map(|word| decoded(word)).collect();
    words.extend(all.into_iter().map(str::to_owned));
    words.retain(|word| is_telling(word));
    words
}

/// Short words and numbers stand in too many lines for other reasons.
fn is_telling(word: &str) -> bool {
    let digits = word.bytes().all(|b| b.is_ascii_digit());
    word != HIDDEN && word.len() >= if digits { 6 } else { 3 }
}

/// Without percent-encoding (RFC 3986, 2.1).
fn decoded(text: &str) -> String {
    let bytes = text.as_bytes();
    let (mut out, mut at) = (Vec::with_capacity(bytes.len()), 0);
    while let Some(&byte) = bytes.get(at) {
        let hex = text.get(at + 1..at + 3).and_then(|h| u8::from_str_radix(h, 16).ok());
        match hex.filter(|_| byte == b'%') {
            Some(value) => (out.push(value), at += 3).1,
            None => (out.push(byte), at += 1).1,
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}

/// An address that was seen.
struct Known {
    text: String,
    shown: String,
    secrets: Vec<String>,
}

static KNOWN: RwLock<Vec<Known>> = RwLock::new(Vec::new());

/// Addresses that are remembered: a long-running program may see any number of them.
const REMEMBERED: usize = 1_000;

fn remember(text: &str, shown: &str, push: bool) {
    if text == shown {
        return;
    }
    let mut all = KNOWN.write().unwrap_or_else(PoisonError::into_inner);
    match all.iter_mut().find(|known| known.text == text) {
        // Shown least in whatever role it is seen.
        Some(known) if push => {
            known.shown = shown.to_owned();
            known.secrets = secrets(text, push);
        }
        Some(_) => {}
        None => {
            if all.len() == REMEMBERED {
                all.remove(0);
            }
            let (text, shown) = (text.to_owned(), shown.to_owned());
            all.push(Known { secrets: secrets(&text, push), text, shown });
            // An address may begin another one.
            all.sort_by_key(|known| std::cmp::Reverse(known.text.len()));
        }
    }
}

/// Remembers the address in an argument of a command line (`--output=rtmp://…`), if there is one.
pub fn note(argument: &str) {
    if let Some(at) = argument.find("://") {
        let text = &argument[start_of_scheme(argument, at)..];
        remember(text, &shown(text, false), false);
    }
}

fn start_of_scheme(text: &str, end: usize) -> usize {
    let is_scheme = |c: char| c.is_ascii_alphanumeric() || matches!(c, '+' | '-' | '.');
    end - text[..end].chars().rev().take_while(|c| is_scheme(*c)).count()
}

/// A text in which the addresses that are known are redacted, and nothing else.
pub fn redact_known(text: &str) -> String {
    let all = KNOWN.read().unwrap_or_else(PoisonError::into_inner);
    let mut out = text.to_owned();
    for known in all.iter().filter(|_| text.contains("://")) {
        if out.contains(&known.text) {
            out = out.replace(&known.text, &known.shown);
        }
    }
    out
}

/// A text in which all addresses are redacted.
pub fn redact(text: &str) -> String {
    if !text.contains("://") {
        return text.to_owned();
    }
    let text = redact_known(text);
    let (mut out, mut rest) = (String::with_capacity(text.len()), &*text);
    while let Some(at) = rest.find("://") {
        let from = start_of_scheme(rest, at);
        let ends = |c: char| c.is_whitespace() || c.is_control() || "\"'<>`\\".contains(c);
        let end = rest[from..].find(ends).map_or(rest.len(), |end| from + end);
        // What a sentence puts behind an address is no part of it.
        let end = from + rest[from..end].trim_end_matches([':', ';', ',', '.', ')', ']']).len();
        let end = end.max(at + 3);
        out.push_str(&rest[..from]);
        out.push_str(&shown(&rest[from..end], false));
        rest = &rest[end..];
    }
    out + rest
}

/// A text in which all addresses are redacted, and the secrets of known ones wherever they stand as
/// words: libav quotes parts of addresses.
pub fn redact_words(text: &str) -> String {
    let mut out = redact(text);
    let all = KNOWN.read().unwrap_or_else(PoisonError::into_inner);
    for secret in all.iter().flat_map(|known| &known.secrets) {
        if out.contains(secret.as_str()) {
            out = without_word(&out, secret);
        }
    }
    out
}

fn without_word(text: &str, word: &str) -> String {
    let is_word = |c: char| c.is_alphanumeric() || c == '_';
    let (mut out, mut rest) = (String::with_capacity(text.len()), text);
    while let Some(at) = rest.find(word) {
        let (before, behind) = (&rest[..at], &rest[at + word.len()..]);
        let inside = before.chars().next_back().or(out.chars().next_back()).is_some_and(is_word)
            || behind.chars().next().is_some_and(is_word);
        out.push_str(before);
        out.push_str(if inside { word } else { HIDDEN });
        rest = behind;
    }
    out + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_not_shown() {
        for (text, source, target) in [
            ("http://x/a", "http://x/a", "http://x/a"),
            (
                "http://u:p@x/a/b?c=d&e",
                "http://u:***@x/a/b?c=***&***",
                "http://u:***@x/a/b?c=***&***",
            ),
            ("https://token@x", "https://***@x", "https://***@x"),
            ("http://u:a@b@x:80/", "http://u:***@x:80/", "http://u:***@x:80/"),
            ("rtmp://x/live/KEY", "rtmp://x/live/***", "rtmp://x/live/***"),
            ("rtmps://x/live/a/KEY?t=1", "rtmps://x/live/***?t=***", "rtmps://x/live/***?t=***"),
            ("rtmp://x/KEY", "rtmp://x/***", "rtmp://x/***"),
            ("rtsp://x:554/cam/1", "rtsp://x:554/cam/1", "rtsp://x:554/cam/***"),
            ("rtsp://x/KEY/", "rtsp://x/KEY/", "rtsp://x/***"),
            (
                "srt://x:1?streamid=#!::r=a/KEY,m=publish",
                "srt://x:1?streamid=***",
                "srt://x:1?streamid=***",
            ),
            ("no address", "no address", "no address"),
        ] {
            assert_eq!(Url::new(text).to_string(), source);
            assert_eq!(Url::push(text).to_string(), target);
            assert_eq!(format!("{:?}", Url::push(text)), format!("Url({target})"));
            assert_eq!(shown(target, true), target, "once is enough");
            assert_eq!(Url::push(text).secret(), text);
        }
    }

    #[test]
    fn addresses_are_found_in_texts() {
        for (text, wanted) in [
            (
                "open http://u:p@x/a?b=c: Connection refused",
                "open http://u:***@x/a?b=***: Connection refused",
            ),
            (
                "[\"rtmp://x/live/KEY\",\"http://x/?a=b\"]",
                "[\"rtmp://x/live/***\",\"http://x/?a=***\"]",
            ),
            (
                "two:rtmp://u:p@x/a/b, and (http://v:q@y).",
                "two:rtmp://u:***@x/a/***, and (http://v:***@y).",
            ),
            ("nothing :// here", "nothing :// here"),
        ] {
            assert_eq!(redact(text), wanted);
            assert_eq!(redact(wanted), wanted);
        }
    }

    #[test]
    fn what_is_known_is_found_whatever_is_in_it() {
        let url = Url::push("rtsp://known/cam/it's a secret");
        let shown = "rtsp://known/cam/***";
        assert_eq!(redact_known(&format!("<{}>", url.secret())), format!("<{shown}>"));
        assert_eq!(redact_known("http://other/?a=b"), "http://other/?a=b");
        note("--output=srt://known:1?passphrase=hunter%202&mode=listener");
        let line = "bad passphrase 'hunter 2', hunter 22, hunter%202";
        assert_eq!(redact_words(line), "bad passphrase '***', hunter 22, ***");
    }
}
