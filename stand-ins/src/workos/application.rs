//! An application's registration at WorkOS: its client id, keys and addresses.

/// The client id.
pub const CLIENT_ID: &str = "client_01ANTER00MSTANDIN000000000";

/// The API key of a new environment. It is not secret.
pub const API_KEY: &str = "sk_test_of_the_stand_in_for_workos_and_no_secret";

/// The session cookie's password in the stand-in's settings. It is not secret.
pub const COOKIE_PASSWORD: &str = "the stand-in's own cookie password, which is no secret";

/// The redirect URI that is registered by default.
pub const REDIRECT_URI: &str = "http://localhost:3000/callback";

/// The sign-out redirect that is registered by default.
pub const LOGOUT_RETURN_TO: &str = "http://localhost:3000";
