//! [`Answer`]: the parts of an answer that are checked.

use serde_json::Value;

/// An answer, as a function gives it to API Gateway.
pub(super) struct Answer {
    pub(super) status: u64,
    /// `null` if it is not JSON.
    pub(super) body: Value,
    cookies: Vec<String>,
}

impl Answer {
    pub(super) fn of(answer: &Value) -> Self {
        let body = answer["body"].as_str().unwrap_or_default();
        let cookies = answer["cookies"].as_array().into_iter().flatten();
        Self {
            status: answer["statusCode"].as_u64().unwrap_or_default(),
            body: serde_json::from_str(body).unwrap_or_default(),
            cookies: cookies.filter_map(|cookie| cookie.as_str().map(str::to_owned)).collect(),
        }
    }

    /// Whether it sets a sealed session.
    pub(super) fn has_session(&self) -> bool {
        self.cookies.iter().any(|cookie| cookie.starts_with("wos-session=Fe26.2"))
    }

    /// Whether it clears the session.
    pub(super) fn clears_session(&self) -> bool {
        self.cookies.iter().any(|cookie| cookie.starts_with("wos-session=;"))
    }

    /// Whether it signs in the user with this address.
    pub(super) fn signs_in(&self, email: &str) -> bool {
        self.status == 200 && self.body["user"]["email"] == email && self.has_session()
    }

    /// Whether it says no more than that it was done.
    pub(super) fn is_done(&self) -> bool {
        self.status == 200 && self.body["message"] == "OK"
    }
}
