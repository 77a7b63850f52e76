//! The page: three files in the program, nothing from elsewhere.

use axum::http::header;
use axum::response::{IntoResponse, Response};

/// Nothing but what comes from this server, no code in the page itself, and no frame around it.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob:; \
     media-src 'self' blob:; connect-src 'self'; form-action 'none'; base-uri 'none'; \
     frame-ancestors 'none'";

/// A file of the page.
pub(super) fn file(path: &str) -> Option<Response> {
    let (kind, text) = match path {
        "/" => ("text/html; charset=utf-8", include_str!("../page/index.html")),
        "/page.css" => ("text/css; charset=utf-8", include_str!("../page/page.css")),
        "/page.js" => ("text/javascript; charset=utf-8", include_str!("../page/page.js")),
        "/player.js" => ("text/javascript; charset=utf-8", include_str!("../page/player.js")),
        "/favicon.svg" => ("image/svg+xml", include_str!("../page/favicon.svg")),
        _ => return None,
    };
    let headers = [
        (header::CONTENT_TYPE, kind),
        (header::CONTENT_SECURITY_POLICY, POLICY),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::CACHE_CONTROL, "no-cache"),
    ];
    Some((headers, text).into_response())
}
