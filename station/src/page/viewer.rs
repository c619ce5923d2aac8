//! Who sits at the browser: a name in a cookie, so that it is typed once.

use axum::Form;
use axum::http::StatusCode;
use axum::http::header::{self, HeaderMap, HeaderValue};
use axum::response::{IntoResponse, Redirect, Response};
use serde::Deserialize;

use crate::core::NAME_LEN_MAX;

/// How long a browser remembers the name: one shift.
const REMEMBERED_S: u32 = 12 * 3600;
const COOKIE: &str = "nurse";

#[derive(Debug, Deserialize)]
pub(super) struct NameForm {
    #[serde(default)]
    name: String,
}

/// Remembers a name, or forgets it where the form is empty.
pub(super) async fn name(Form(form): Form<NameForm>) -> Response {
    let name = form.name.trim();
    if NAME_LEN_MAX < name.chars().count() {
        return (StatusCode::BAD_REQUEST, "this name is too long").into_response();
    }
    remember(name, Redirect::to("/").into_response())
}

/// Adds the cookie to a response.
pub(super) fn remember(name: &str, mut response: Response) -> Response {
    let age_s = if name.is_empty() { 0 } else { REMEMBERED_S };
    let value = hex::encode(name);
    let cookie = format!("{COOKIE}={value}; Path=/; Max-Age={age_s}; HttpOnly; SameSite=Strict");
    if let Ok(value) = HeaderValue::from_str(&cookie) {
        response.headers_mut().append(header::SET_COOKIE, value);
    }
    response
}

/// The name that the browser remembers.
pub(super) fn remembered(headers: &HeaderMap) -> Option<String> {
    let cookies = headers.get_all(header::COOKIE).iter().filter_map(|it| it.to_str().ok());
    let pairs = cookies.flat_map(|it| it.split(';')).filter_map(|it| it.trim().split_once('='));
    let value = pairs.filter(|(key, _value)| *key == COOKIE).map(|(_key, value)| value).next()?;
    let name = String::from_utf8(hex::decode(value).ok()?).ok()?;
    let is_name = !name.trim().is_empty() && name.chars().count() <= NAME_LEN_MAX;
    is_name.then_some(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_with_any_letter_is_remembered() {
        let response = remember("Zoë Škoda; a=b", StatusCode::OK.into_response());
        let cookie = response.headers()[header::SET_COOKIE].to_str().unwrap().to_owned();
        let sent = cookie.split(';').next().unwrap();
        let mut headers = HeaderMap::new();
        headers.insert(header::COOKIE, format!("x=1; {sent}").parse().unwrap());
        assert_eq!(remembered(&headers).as_deref(), Some("Zoë Škoda; a=b"));
    }

    #[test]
    fn rubbish_in_a_cookie_is_no_name() {
        for cookie in ["nurse=zz", "nurse=", "nurse=ff", "other=4e", "nurse"] {
            let mut headers = HeaderMap::new();
            headers.insert(header::COOKIE, cookie.parse().unwrap());
            assert_eq!(remembered(&headers), None, "{cookie}");
        }
    }
}
