//! Uploads that may be interrupted and continued, in the two protocols that clients speak, on the
//! segment's own address. Which one is meant, a header tells:
//!
//! - `Tus-Resumable`: tus 1.0 with creation, creation-with-upload, creation-defer-length,
//!   termination, expiration and checksum;
//! - `Upload-Complete`, or the media type `application/partial-upload`: resumable uploads of the IETF
//!   (draft-ietf-httpbis-resumable-upload-15).

use std::sync::Arc;
use std::time::{Duration, UNIX_EPOCH};

use axum::body::Body;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use filmgate_core::digest::hexadecimal;
use sha1::Sha1;
use sha2::{Digest, Sha256};

use super::App;
use super::body::{Chunks, blocking, receive};
use super::headers::{self, UPLOAD_COMPLETE, UPLOAD_LENGTH, UPLOAD_OFFSET};
use super::params::Protocol as ProtocolHeaders;
use super::params::{Announcement, Device, Octets, Offset, SegmentPath, Task};
use super::problem::{InTheWay, Missing, Refused, UploadRefused};
use super::segment::stored;
use crate::error::Fault;
use crate::key::Key;
use crate::store::Segment;
use crate::uploads::{Append, Upload};

const TUS: &str = "tus-resumable";
const TUS_VERSION: HeaderValue = HeaderValue::from_static("1.0.0");
const EXTENSIONS: HeaderValue = HeaderValue::from_static(
    "creation,creation-with-upload,creation-defer-length,termination,expiration,checksum",
);
const OTHER_VERSION: &str = "version 1.0.0 of tus is spoken here";
/// Statuses of tus 1.0: a checksum does not match.
const CHECKSUM_MISMATCH: u16 = 460;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Protocol {
    Tus,
    Ietf,
}

fn protocol(headers: &HeaderMap) -> Option<Protocol> {
    let is_partial = headers::media_type(headers) == "application/partial-upload";
    if headers.contains_key(TUS) {
        Some(Protocol::Tus)
    } else if is_partial || headers.contains_key(UPLOAD_COMPLETE) {
        Some(Protocol::Ietf)
    } else {
        None
    }
}

/// A request of one of the two protocols.
pub(crate) struct Request {
    app: Arc<App>,
    key: Key,
    address: String,
    method: Method,
    headers: HeaderMap,
    protocol: Protocol,
}

/// The request, if it is of one of the two protocols.
pub(crate) async fn answer(
    app: &Arc<App>,
    key: &Key,
    uri: &Uri,
    method: &Method,
    headers: &HeaderMap,
) -> Option<Request> {
    let protocol = match (protocol(headers), method) {
        (Some(protocol), _) => protocol,
        // A HEAD of the IETF's protocol has no mark of its own, nor have capabilities.
        (None, &Method::HEAD) if has_upload(app, key).await => Protocol::Ietf,
        (None, &Method::OPTIONS) => Protocol::Tus,
        (None, _) => return None,
    };
    Some(Request {
        app: Arc::clone(app),
        key: key.clone(),
        address: uri.path().to_owned(),
        method: method.clone(),
        headers: headers.clone(),
        protocol,
    })
}

/// Whether an upload of the segment is under way.
async fn has_upload(app: &Arc<App>, key: &Key) -> bool {
    let (app, key) = (Arc::clone(app), key.clone());
    let found = blocking(move || app.uploads.find(&key)).await;
    found.ok().flatten().is_some_and(|upload| !upload.is_complete)
}

/// What came of the body of a request.
enum Came {
    /// all of it, and more is to come
    Part(Upload),
    /// the upload is complete
    Whole(Upload, Segment),
}

/// What the headers of a request announce of its body.
#[derive(Clone, Default)]
struct Announced {
    /// bytes of this body
    length: Option<u64>,
    /// whether it ends the upload
    is_last: bool,
    /// bytes of the whole
    whole: Option<u64>,
    /// the SHA-256 of this body
    sha256: Option<String>,
    /// tus: algorithm and digest of this body
    checksum: Option<(String, Vec<u8>)>,
}

impl Request {
    pub(crate) async fn run(self, body: Body) -> Result<Response, Fault> {
        let protocol = self.protocol;
        if protocol == Protocol::Tus
            && self.method != Method::OPTIONS
            && headers::text(&self.headers, TUS)? != Some("1.0.0")
        {
            let mut response = Fault::Precondition(OTHER_VERSION).into_response();
            response.headers_mut().insert("tus-version", TUS_VERSION);
            return Ok(response);
        }
        let response = match (&self.method, protocol) {
            (&Method::OPTIONS, _) => capabilities(self).await,
            (&Method::HEAD, _) => look(self).await,
            (&Method::POST, _) | (&Method::PUT, Protocol::Ietf) => create(self, body).await,
            (&Method::PATCH, _) => append(self, body).await,
            (&Method::DELETE, _) => self.give_up().await,
            _ => Err(Fault::Method),
        };
        let mut response = match response {
            Ok(response) => response,
            Err(Fault::Digest { .. }) if protocol == Protocol::Tus => {
                StatusCode::from_u16(CHECKSUM_MISMATCH)
                    .unwrap_or(StatusCode::BAD_REQUEST)
                    .into_response()
            }
            Err(fault) => fault.into_response(),
        };
        if protocol == Protocol::Tus {
            response.headers_mut().insert(TUS, TUS_VERSION);
        }
        Ok(response)
    }

    /// An answer that tells where an upload stands.
    fn standing(&self, status: StatusCode, upload: &Upload) -> Response {
        let mut response = status.into_response();
        let out = response.headers_mut();
        out.insert(UPLOAD_OFFSET, HeaderValue::from(upload.offset));
        out.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        if let Some(length) = upload.length {
            out.insert(UPLOAD_LENGTH, HeaderValue::from(length));
        }
        if self.protocol == Protocol::Ietf {
            insert(out, UPLOAD_COMPLETE.as_str(), if upload.is_complete { "?1" } else { "?0" });
            insert(
                out,
                "upload-limit",
                &format!("max-size={}", self.app.live.get().quota.max_segment),
            );
        } else if !upload.is_complete {
            if upload.length.is_none() {
                out.insert("upload-defer-length", HeaderValue::from(1));
            }
            let seconds = u64::try_from(upload.expires).unwrap_or_default();
            let date = httpdate::fmt_http_date(UNIX_EPOCH + Duration::from_secs(seconds));
            insert(out, "upload-expires", &date);
        }
        response
    }

    async fn give_up(self) -> Result<Response, Fault> {
        let (app, key) = (Arc::clone(&self.app), self.key.clone());
        blocking(move || app.uploads.remove(&key)).await?;
        Ok(StatusCode::NO_CONTENT.into_response())
    }

    fn announced(&self) -> Result<Announced, Fault> {
        let checksum = headers::text(&self.headers, "upload-checksum")?;
        let checksum = checksum.filter(|_| self.protocol == Protocol::Tus).map(|text| {
            let wrong =
                || Fault::Request(format!("Upload-Checksum: {text:?}: sha1 and sha256 are known"));
            let (name, value) = text.split_once(' ').ok_or_else(wrong)?;
            let bytes = STANDARD.decode(value).map_err(|_| wrong())?;
            if !["sha1", "sha256"].contains(&name) {
                return Err(wrong());
            }
            Ok((name.to_owned(), bytes))
        });
        let is_last = self.protocol == Protocol::Ietf
            && headers::boolean(&self.headers, UPLOAD_COMPLETE.as_str())?.unwrap_or(false);
        Ok(Announced {
            length: headers::number(&self.headers, "content-length")?,
            is_last,
            whole: headers::number(&self.headers, UPLOAD_LENGTH.as_str())?,
            sha256: headers::digest(&self.headers, "content-digest")?,
            checksum: checksum.transpose()?,
        })
    }

    fn media_type(&self, wanted: &str) -> Fault {
        Fault::MediaType(format!("Content-Type must be {wanted}"))
    }

    fn came(&self, came: Came, status: StatusCode) -> Response {
        let mut response = match (&came, self.protocol) {
            (Came::Whole(upload, segment), Protocol::Ietf) => {
                self.app.metrics.stored(segment.size);
                let status = if status == StatusCode::CREATED { status } else { StatusCode::OK };
                let mut response = stored(status, &self.address, segment);
                response.headers_mut().insert(UPLOAD_OFFSET, HeaderValue::from(upload.offset));
                response
            }
            (Came::Whole(upload, segment), Protocol::Tus) => {
                self.app.metrics.stored(segment.size);
                self.standing(status, upload)
            }
            (Came::Part(upload), _) => self.standing(status, upload),
        };
        let out = response.headers_mut();
        if self.protocol == Protocol::Ietf {
            let complete = matches!(came, Came::Whole(..));
            insert(out, UPLOAD_COMPLETE.as_str(), if complete { "?1" } else { "?0" });
        }
        if status == StatusCode::CREATED {
            insert(out, "location", &self.address);
        }
        response
    }
}

/// Tells which protocols there are for uploads that may be interrupted.
#[utoipa::path(
    options, path = "/api/v1/tasks/{task}/{device}/{path}", tag = "segments", params(Task, Device, SegmentPath),
    responses((status = 204, description = "in the headers of tus 1.0 and of the IETF's draft"), Refused),
)]
async fn capabilities(request: Request) -> Result<Response, Fault> {
    let mut response = StatusCode::NO_CONTENT.into_response();
    let out = response.headers_mut();
    let max = request.app.live.get().quota.max_segment;
    out.insert("tus-version", TUS_VERSION);
    out.insert("tus-extension", EXTENSIONS);
    out.insert("tus-max-size", HeaderValue::from(max));
    out.insert("tus-checksum-algorithm", HeaderValue::from_static("sha1,sha256"));
    insert(out, "upload-limit", &format!("max-size={max}"));
    insert(out, "accept-patch", "application/partial-upload, application/offset+octet-stream");
    Ok(response)
}

/// Tells how far an upload has come, or what a GET would answer.
#[utoipa::path(
    head, path = "/api/v1/tasks/{task}/{device}/{path}", tag = "segments", params(Task, Device, SegmentPath, ProtocolHeaders),
    responses((status = 200, description = "the segment, or an upload of tus"), (status = 204, description = "an upload of the IETF's draft"),
              (status = 304, description = "If-None-Match names this version"), (status = 412, description = "another version of tus"),
              Refused, Missing, InTheWay),
)]
async fn look(request: Request) -> Result<Response, Fault> {
    let (app, key) = (Arc::clone(&request.app), request.key.clone());
    let found = blocking(move || app.uploads.find(&key)).await?;
    let upload = found.ok_or_else(|| Fault::NotFound(format!("upload of {}", request.key)))?;
    let status =
        if request.protocol == Protocol::Tus { StatusCode::OK } else { StatusCode::NO_CONTENT };
    Ok(request.standing(status, &upload))
}

/// Begins an upload that may be interrupted, by tus 1.0 or the IETF's draft.
#[utoipa::path(
    post, path = "/api/v1/tasks/{task}/{device}/{path}", tag = "segments", params(Task, Device, SegmentPath, ProtocolHeaders, Announcement),
    request_body(content = Octets, content_type = "application/offset+octet-stream", description = "the first part, or all of it"),
    responses((status = 201, description = "begun; where it is complete in the draft, the segment as JSON"),
              (status = 460, description = "tus: the checksum does not match"), Refused, UploadRefused),
)]
async fn create(request: Request, body: Body) -> Result<Response, Fault> {
    let mut announced = request.announced()?;
    if request.protocol == Protocol::Tus {
        let is_deferred = headers::text(&request.headers, "upload-defer-length")? == Some("1");
        if announced.whole.is_none() && !is_deferred {
            let said = "Upload-Length is missing; Upload-Defer-Length: 1 leaves it open";
            return Err(Fault::Request(said.to_owned()));
        }
        let media_type = headers::media_type(&request.headers);
        if announced.length.is_some_and(|n| n > 0)
            && media_type != "application/offset+octet-stream"
        {
            return Err(request.media_type("application/offset+octet-stream"));
        }
    } else if announced.is_last && announced.whole.is_none() {
        announced.whole = announced.length;
    }
    let digest = headers::digest(&request.headers, "repr-digest")?;
    let (app, key) = (Arc::clone(&request.app), request.key.clone());
    let came = receive(body, request.app.limits(), move |chunks| {
        let append = app.uploads.start(&key, announced.whole, digest)?;
        take(append, 0, &announced, chunks)
    })
    .await?;
    Ok(request.came(came, StatusCode::CREATED))
}

/// Continues an upload that may be interrupted, by tus 1.0 or the IETF's draft.
#[utoipa::path(
    patch, path = "/api/v1/tasks/{task}/{device}/{path}", tag = "segments", params(Task, Device, SegmentPath, ProtocolHeaders, Announcement,
           Offset),
    request_body(content = Octets, content_type = "application/offset+octet-stream", description = "the next part; application/partial-upload in the draft"),
    responses((status = 204, description = "taken; Upload-Offset tells where the upload stands"), (status = 200, description = "the draft: complete", body = Segment),
              (status = 460, description = "tus: the checksum does not match"), Refused, Missing, UploadRefused),
)]
async fn append(request: Request, body: Body) -> Result<Response, Fault> {
    let media_type = headers::media_type(&request.headers);
    let wanted = match request.protocol {
        Protocol::Tus => "application/offset+octet-stream",
        Protocol::Ietf => "application/partial-upload",
    };
    if media_type != wanted {
        return Err(request.media_type(wanted));
    }
    let offset = headers::number(&request.headers, "upload-offset")?;
    let offset = offset.ok_or_else(|| Fault::Request("Upload-Offset is missing".to_owned()))?;
    let mut announced = request.announced()?;
    if announced.is_last && announced.whole.is_none() {
        announced.whole = announced.length.map(|length| offset + length);
    }
    let (app, key) = (Arc::clone(&request.app), request.key.clone());
    let came = receive(body, request.app.limits(), move |chunks| {
        let mut append = app.uploads.append(&key, offset)?;
        if let Some(whole) = announced.whole {
            append.set_length(whole)?;
        }
        take(append, offset, &announced, chunks)
    })
    .await?;
    Ok(request.came(came, StatusCode::NO_CONTENT))
}

fn insert(headers: &mut HeaderMap, name: &str, value: &str) {
    if let (Ok(name), Ok(value)) = (HeaderName::try_from(name), HeaderValue::from_str(value)) {
        headers.insert(name, value);
    }
}

/// Writes a body behind `offset`. What has come of one that is cut off stays, unless its digest was
/// announced: then nobody knows whether it is right.
fn take(
    mut append: Append<'_>,
    offset: u64,
    announced: &Announced,
    chunks: Chunks,
) -> Result<Came, Fault> {
    let is_checked = announced.sha256.is_some() || announced.checksum.is_some();
    let (mut sha256, mut sha1) = (Sha256::new(), Sha1::new());
    for chunk in chunks {
        let written = chunk.and_then(|chunk| {
            if is_checked {
                sha256.update(&chunk);
                sha1.update(&chunk);
            }
            append.write(&chunk)
        });
        if let Err(fault) = written {
            if is_checked {
                append.take_back(offset)?;
            } else {
                append.pause()?;
            }
            return Err(fault);
        }
    }
    let sha256 = sha256.finalize();
    let found = hexadecimal(&sha256);
    if let Some(expected) = announced.sha256.clone().filter(|expected| *expected != found) {
        append.take_back(offset)?;
        return Err(Fault::Digest { expected, found });
    }
    if let Some((name, expected)) = &announced.checksum {
        let bytes = if name == "sha1" { sha1.finalize().to_vec() } else { sha256.to_vec() };
        if bytes != *expected {
            append.take_back(offset)?;
            let expected = hexadecimal(expected);
            return Err(Fault::Digest { expected, found: hexadecimal(&bytes) });
        }
    }
    if append.is_whole() || announced.is_last {
        let (upload, segment) = append.complete()?;
        return Ok(Came::Whole(upload, segment));
    }
    Ok(Came::Part(append.pause()?))
}
