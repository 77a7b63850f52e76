//! Headers that requests are read from.

use axum::http::{HeaderMap, HeaderName};

use crate::digest;
use crate::error::Fault;

/// A header as text.
///
/// # Errors
/// `Request`: it is not ASCII, or given twice.
pub(crate) fn text<'a>(headers: &'a HeaderMap, name: &str) -> Result<Option<&'a str>, Fault> {
    let mut values = headers.get_all(name).iter();
    let Some(value) = values.next() else { return Ok(None) };
    let wrong = || Fault::Request(format!("{name}: is not one header with plain text"));
    if values.next().is_some() {
        return Err(wrong());
    }
    value.to_str().map(|text| Some(text.trim())).map_err(|_| wrong())
}

/// A header that is a number from 0 on.
///
/// # Errors
/// `Request`.
pub(crate) fn number(headers: &HeaderMap, name: &str) -> Result<Option<u64>, Fault> {
    let Some(text) = text(headers, name)? else { return Ok(None) };
    let is_plain = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    let number = text.parse::<u64>().ok().filter(|n| is_plain && *n <= i64::MAX as u64);
    match number {
        Some(number) => Ok(Some(number)),
        None => Err(Fault::Request(format!("{name}: {text:?} is not a number of bytes"))),
    }
}

/// A boolean as in RFC 9651.
///
/// # Errors
/// `Request`.
pub(crate) fn boolean(headers: &HeaderMap, name: &str) -> Result<Option<bool>, Fault> {
    match text(headers, name)? {
        None => Ok(None),
        Some("?1") => Ok(Some(true)),
        Some("?0") => Ok(Some(false)),
        Some(other) => Err(Fault::Request(format!("{name}: {other:?} is neither ?1 nor ?0"))),
    }
}

/// The SHA-256 that a digest header announces.
///
/// # Errors
/// `Request`.
pub(crate) fn digest(headers: &HeaderMap, name: &str) -> Result<Option<String>, Fault> {
    text(headers, name)?.map_or(Ok(None), digest::announced)
}

/// The media type, in lower case and without parameters.
pub(crate) fn media_type(headers: &HeaderMap) -> String {
    let value = headers.get("content-type").and_then(|v| v.to_str().ok()).unwrap_or_default();
    value.split(';').next().unwrap_or_default().trim().to_ascii_lowercase()
}

pub(crate) const UPLOAD_OFFSET: HeaderName = HeaderName::from_static("upload-offset");
pub(crate) const UPLOAD_LENGTH: HeaderName = HeaderName::from_static("upload-length");
pub(crate) const UPLOAD_COMPLETE: HeaderName = HeaderName::from_static("upload-complete");
