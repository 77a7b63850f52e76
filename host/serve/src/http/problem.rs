//! Errors as problem details (RFC 9457).

use std::collections::BTreeMap;

use axum::body::Body;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use utoipa::openapi::{Content, Ref, RefOr, Response as Described};
use utoipa::{IntoResponses, ToSchema};

use crate::error::Fault;

/// What went wrong, for programs and people (RFC 9457).
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Problem {
    /// names the kind of problem, and never changes
    #[serde(rename = "type")]
    #[schema(example = "urn:filmgate:problem:not-found")]
    kind: String,
    title: &'static str,
    status: u16,
    /// what went wrong this time
    detail: String,
    /// where the upload stands
    #[serde(rename = "expected-offset", skip_serializing_if = "Option::is_none")]
    expected_offset: Option<u64>,
    /// where the request would have continued it
    #[serde(rename = "provided-offset", skip_serializing_if = "Option::is_none")]
    provided_offset: Option<u64>,
}

/// Status, kind and title of a fault.
fn sort(fault: &Fault) -> (StatusCode, &'static str, &'static str) {
    use StatusCode as S;
    match fault {
        Fault::Name(_) => (S::BAD_REQUEST, "name", "A name is not allowed"),
        Fault::Request(_) => (S::BAD_REQUEST, "request", "The request is wrong"),
        Fault::NotFound(_) => (S::NOT_FOUND, "not-found", "It does not exist"),
        Fault::Conflict(_) => (S::CONFLICT, "conflict", "It is not possible now"),
        Fault::Locked(_) => (S::LOCKED, "locked", "Another request is writing it"),
        Fault::Digest { .. } => (S::BAD_REQUEST, "digest", "The digest does not match"),
        Fault::Length { .. } => (S::BAD_REQUEST, "length", "The length does not match"),
        Fault::TooLarge(_) => (S::PAYLOAD_TOO_LARGE, "too-large", "It is too large"),
        Fault::Quota(_) => (S::INSUFFICIENT_STORAGE, "quota", "The quota is used up"),
        Fault::Full => (S::INSUFFICIENT_STORAGE, "full", "The disk is full"),
        Fault::Offset { .. } => {
            (S::CONFLICT, "mismatching-upload-offset", "The offset does not match")
        }
        Fault::Complete => (S::BAD_REQUEST, "completed-upload", "The upload is complete"),
        Fault::Precondition(_) => {
            (S::PRECONDITION_FAILED, "precondition", "A condition is not met")
        }
        Fault::MediaType(_) => (S::UNSUPPORTED_MEDIA_TYPE, "media-type", "The media type is wrong"),
        Fault::Method => (S::METHOD_NOT_ALLOWED, "method", "The method is not allowed here"),
        Fault::Unauthorized => (S::UNAUTHORIZED, "unauthorized", "A token is needed"),
        Fault::Forbidden(_) => (S::FORBIDDEN, "forbidden", "The token does not allow it"),
        Fault::TooMany { .. } => (S::TOO_MANY_REQUESTS, "too-many", "Too many requests"),
        Fault::Busy(_) => (S::SERVICE_UNAVAILABLE, "busy", "It is not available now"),
        Fault::Cut(_) => (S::REQUEST_TIMEOUT, "cut", "The sender was too slow, or stopped"),
        Fault::System { .. } | Fault::Index(_) => {
            (S::INTERNAL_SERVER_ERROR, "server", "The server failed")
        }
    }
}

/// Sets of problems for the descriptions of requests.
macro_rules! problems {
    ($($(#[$doc:meta])* $name:ident: $($status:literal $description:literal),*;)*) => {$(
        $(#[$doc])*
        pub(crate) struct $name;

        impl IntoResponses for $name {
            fn responses() -> BTreeMap<String, RefOr<Described>> {
                BTreeMap::from([$(($status.to_owned(), described($description).into())),*])
            }
        }
    )*};
}

problems! {
    /// Any request may be refused in these ways.
    Refused: "400" "a name, a header, the query or the body is wrong", "401" "a token is needed",
        "403" "the token does not allow it", "429" "too many requests";
    Missing: "404" "it does not exist";
    InTheWay: "409" "it is not possible now";
    Busy: "423" "another request is writing it";
    /// A request for a job.
    BodyRefused: "413" "it is too large", "415" "the media type is wrong";
    /// A segment that comes in.
    UploadRefused: "408" "the sender was too slow, or stopped", "409" "a file or a link is in the way",
        "412" "it exists already", "413" "it is too large", "415" "it is encoded",
        "423" "another request is writing it", "507" "the quota is used up, or the disk is full";
}

fn described(description: &str) -> Described {
    let problem = Content::new(Some(Ref::from_schema_name("Problem")));
    let response = Described::builder().description(description);
    response.content("application/problem+json", problem).build()
}

impl IntoResponse for Fault {
    fn into_response(self) -> Response {
        let (status, kind, title) = sort(&self);
        if status == StatusCode::INTERNAL_SERVER_ERROR {
            tracing::error!("{self}");
        }
        // Two problem types are registered by the draft of resumable uploads.
        let registered = matches!(self, Fault::Offset { .. } | Fault::Complete);
        let base = if registered {
            "https://iana.org/assignments/http-problem-types#"
        } else {
            "urn:filmgate:problem:"
        };
        let (expected_offset, provided_offset) = match self {
            Fault::Offset { expected, given } => (Some(expected), Some(given)),
            _ => (None, None),
        };
        let problem = Problem {
            kind: format!("{base}{kind}"),
            title,
            status: status.as_u16(),
            detail: self.to_string(),
            expected_offset,
            provided_offset,
        };
        let text = serde_json::to_string(&problem).unwrap_or_default();
        let mut response = Response::new(Body::from(text));
        *response.status_mut() = status;
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        match &self {
            Fault::Unauthorized => {
                headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
            }
            Fault::TooMany { seconds } => {
                headers.insert(header::RETRY_AFTER, HeaderValue::from(*seconds));
            }
            Fault::Offset { expected, .. } => {
                headers.insert("upload-offset", HeaderValue::from(*expected));
            }
            _ => {}
        }
        response
    }
}
