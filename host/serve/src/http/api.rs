//! The description of the interface (OpenAPI 3.1), made from the code.

use axum::Json;
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::{Modify, OpenApi};

use super::{job, segment};

#[derive(OpenApi)]
#[openapi(
    info(
        title = "filmgate serve",
        description = "Devices upload segments, and jobs join them.",
        license(name = "MIT OR Apache-2.0", identifier = "MIT OR Apache-2.0"),
    ),
    paths(
        segment::tasks, segment::task, segment::list, segment::put, segment::read, segment::remove,
        job::join, job::create, job::list, job::get, job::cancel, job::retry, job::events,
    ),
    modifiers(&Token),
    security((), ("token" = [])),
)]
struct Api;

struct Token;

impl Modify for Token {
    fn modify(&self, api: &mut utoipa::openapi::OpenApi) {
        let scheme =
            SecurityScheme::Http(HttpBuilder::new().scheme(HttpAuthScheme::Bearer).build());
        api.components.get_or_insert_default().add_security_scheme("token", scheme);
    }
}

/// The description, as JSON.
pub fn openapi() -> serde_json::Value {
    serde_json::to_value(Api::openapi()).unwrap_or_default()
}

pub(crate) async fn description() -> Json<serde_json::Value> {
    Json(openapi())
}
