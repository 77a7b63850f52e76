//! The description of the interface (OpenAPI 3.1), made from the code.

use axum::Json;
use utoipa::openapi::schema::SchemaType;
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::openapi::{PathItem, RefOr, Required, Schema, Type};
use utoipa::{Modify, OpenApi};

use super::problem::Problem;
use super::{feed, job, resumable, segment};

#[derive(OpenApi)]
#[openapi(
    info(
        title = "filmgate serve",
        description = "Devices upload segments, and jobs join them.",
        license(name = "MIT OR Apache-2.0", identifier = "MIT OR Apache-2.0"),
    ),
    paths(
        segment::tasks, segment::task, segment::list, segment::put, segment::read, segment::remove,
        resumable::capabilities, resumable::look, resumable::create, resumable::append,
        job::join, job::create, job::list, job::get, job::cancel, job::retry, job::events,
        feed::feeds, feed::feed, feed::chain, feed::record, feed::plugins, feed::upload,
    ),
    components(schemas(Problem)),
    modifiers(&Token, &Plain),
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

/// A parameter that may be left out is not one that may be null, and a segment may be empty.
struct Plain;

impl Modify for Plain {
    fn modify(&self, api: &mut utoipa::openapi::OpenApi) {
        let operations = api.paths.paths.values_mut().flat_map(|item| {
            let PathItem { get, put, post, delete, options, head, patch, .. } = item;
            [get, put, post, delete, options, head, patch].into_iter().flatten()
        });
        for operation in operations {
            if let Some(RefOr::T(body)) = &mut operation.request_body
                && body.content.keys().any(|kind| kind.ends_with("octet-stream"))
            {
                body.required = Some(Required::False);
            }
            for parameter in operation.parameters.iter_mut().flatten() {
                let RefOr::T(parameter) = parameter else { continue };
                let Some(RefOr::T(Schema::Object(schema))) = &mut parameter.schema else {
                    continue;
                };
                if let SchemaType::Array(types) = &schema.schema_type
                    && let [one, Type::Null] | [Type::Null, one] = &**types
                {
                    schema.schema_type = SchemaType::Type(one.clone());
                }
            }
        }
    }
}

/// The description, as JSON.
pub fn openapi() -> serde_json::Value {
    serde_json::to_value(Api::openapi()).unwrap_or_default()
}

pub(crate) async fn description() -> Json<serde_json::Value> {
    Json(openapi())
}
