//! What every request has to pass, and what every response carries.
//!
//! A browser that was lured to a foreign page must not read this one (DNS rebinding: the host name
//! is checked) nor post to it (the origin is checked), and nothing from elsewhere may run in it.

use axum::extract::{Request, State};
use axum::http::header::{self, HeaderMap, HeaderName, HeaderValue};
use axum::http::{Method, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use super::Page;

const HEADERS: [(HeaderName, &str); 5] = [
    (
        header::CONTENT_SECURITY_POLICY,
        "default-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'self'",
    ),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::X_FRAME_OPTIONS, "DENY"),
    (header::REFERRER_POLICY, "same-origin"),
    (header::CACHE_CONTROL, "no-store"),
];

/// Lets a request through, or says why not.
pub(super) async fn guard(State(page): State<Page>, request: Request, next: Next) -> Response {
    let mut response =
        match check(request.method(), request.headers(), &page.config.page.host_names) {
            Ok(()) => next.run(request).await,
            Err(reason) => (StatusCode::FORBIDDEN, reason).into_response(),
        };
    for (name, value) in HEADERS {
        response.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    response
}

fn check(method: &Method, headers: &HeaderMap, names: &[String]) -> Result<(), &'static str> {
    let text = |name| headers.get(name).and_then(|it: &HeaderValue| it.to_str().ok());
    let host = text(header::HOST).ok_or("a request names its host")?;
    if !is_ours(host, names) {
        return Err("this host name is not in [page] host_names of the station's configuration");
    }
    if method == Method::GET || method == Method::HEAD {
        return Ok(());
    }
    let origin = text(header::ORIGIN).ok_or("a form names its origin")?;
    match origin.split_once("://") {
        Some((_scheme, from)) if from.eq_ignore_ascii_case(host) => Ok(()),
        Some(_) | None => Err("a form of another page is not accepted"),
    }
}

/// Addresses and `localhost` cannot be rebound; other names are ours only if configured.
fn is_ours(host: &str, names: &[String]) -> bool {
    let name = match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|it| it.is_ascii_digit()) => name,
        Some(_) | None => host,
    };
    let bare = name.trim_start_matches('[').trim_end_matches(']');
    bare.parse::<std::net::IpAddr>().is_ok()
        || name.eq_ignore_ascii_case("localhost")
        || names.iter().any(|it| it.eq_ignore_ascii_case(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check_host(host: &str, expected: bool) {
        assert_eq!(is_ours(host, &["nurses.example.org".to_owned()]), expected, "{host}");
    }

    #[test]
    fn only_our_own_host_names_are_served() {
        check_host("127.0.0.1:8080", true);
        check_host("[::1]:8080", true);
        check_host("[::1]", true);
        check_host("localhost", true);
        check_host("Nurses.example.org:443", true);
        check_host("rebound.example.com:8080", false);
        check_host("", false);
    }

    #[test]
    fn a_form_comes_from_the_same_origin() {
        let mut headers = HeaderMap::new();
        headers.insert(header::HOST, HeaderValue::from_static("127.0.0.1:8080"));
        assert!(check(&Method::GET, &headers, &[]).is_ok());
        assert!(check(&Method::POST, &headers, &[]).is_err());
        for (origin, expected) in [
            ("http://127.0.0.1:8080", true),
            ("http://127.0.0.1:8081", false),
            ("http://evil.example.com", false),
            ("null", false),
        ] {
            headers.insert(header::ORIGIN, HeaderValue::from_static(origin));
            assert_eq!(check(&Method::POST, &headers, &[]).is_ok(), expected, "{origin}");
        }
    }
}
