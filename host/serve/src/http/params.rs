//! Parts of addresses, and headers, as the description of the interface names them.

use serde::Deserialize;
use utoipa::IntoParams;
use utoipa::PartialSchema;
use utoipa::openapi::schema::{ObjectBuilder, SchemaType};
use utoipa::openapi::{RefOr, Schema};

/// The task of an address.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
pub(crate) struct Task {
    /// the task
    #[param(pattern = r"^[^./\\\x00-\x1f\x7f-\x9f][^/\\\x00-\x1f\x7f-\x9f]*$", max_length = 255)]
    task: String,
}

/// The device of an address.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
pub(crate) struct Device {
    /// the device
    #[param(pattern = r"^[^./\\\x00-\x1f\x7f-\x9f][^/\\\x00-\x1f\x7f-\x9f]*$", max_length = 255)]
    device: String,
}

/// The segment of an address.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
pub(crate) struct SegmentPath {
    /// the path below the device's folder: up to 16 such names, with slashes that are not encoded
    #[param(pattern = r"^[^./\\\x00-\x1f\x7f-\x9f][^/\\\x00-\x1f\x7f-\x9f]*$", max_length = 255)]
    path: String,
}

/// The job of an address.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
pub(crate) struct JobId {
    /// the job
    id: String,
}

/// Where a client that follows a job stands.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Header)]
pub(crate) struct LastEvent {
    /// the last event that was seen
    #[serde(rename = "Last-Event-ID")]
    #[param(minimum = 0)]
    number: Option<i64>,
}

/// What makes a request for a job safe to repeat.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Header)]
pub(crate) struct Idempotency {
    /// the same request with the same key is carried out once
    #[serde(rename = "Idempotency-Key")]
    #[param(pattern = "^[!-~]+$", min_length = 1, max_length = 255)]
    key: Option<String>,
}

/// The protocol of an upload that may be interrupted.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Header)]
pub(crate) struct Protocol {
    /// tus
    #[serde(rename = "Tus-Resumable")]
    #[param(pattern = r"^1\.0\.0$")]
    tus: Option<String>,
    /// the IETF's draft: whether the upload ends with this body
    #[serde(rename = "Upload-Complete")]
    #[param(pattern = r"^\?[01]$")]
    complete: Option<String>,
}

/// What an upload that may be interrupted announces.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Header)]
pub(crate) struct Announcement {
    /// bytes of the whole
    #[serde(rename = "Upload-Length")]
    #[param(minimum = 0)]
    length: Option<i64>,
    /// tus: sha1 or sha256, a space, and the digest of this body in base64
    #[serde(rename = "Upload-Checksum")]
    checksum: Option<String>,
    /// sha-256=:BASE64: of this body (RFC 9530)
    #[serde(rename = "Content-Digest")]
    digest: Option<String>,
}

/// Where an upload is continued.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Header)]
pub(crate) struct Offset {
    /// where the upload stands
    #[serde(rename = "Upload-Offset")]
    #[param(minimum = 0)]
    offset: Option<i64>,
}

/// Bytes as they are.
pub(crate) struct Octets;

impl PartialSchema for Octets {
    fn schema() -> RefOr<Schema> {
        // As OpenAPI 3.1 describes them: no type of JSON.
        ObjectBuilder::new().schema_type(SchemaType::AnyValue).into()
    }
}

impl utoipa::ToSchema for Octets {}

/// An event of a job, as server-sent events have it.
#[derive(utoipa::ToSchema)]
pub(crate) struct Followed {
    /// for `Last-Event-ID`
    id: String,
    /// JSON: state, start, progress (docs/json.md)
    data: String,
}
