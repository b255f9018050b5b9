//! Verifies a request's token and reads its grants. The rules come from the server's
//! `pkg/service/auth.go` and from `auth/verifier.go` in its protocol library, with the error texts
//! of the JWT library that they use.

use base64::{
    Engine as _, alphabet,
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig},
};
use ring::hmac;
use serde::{Deserialize, de::DeserializeOwned};

use super::twirp::{Code, Refusal};
use crate::exchange::Request;

/// The API key of a new project.
pub const API_KEY: &str = "APIAnteroomLocal";

/// Its API secret, which is not secret.
pub const API_SECRET: &str = "secret-of-the-stand-in-and-no-secret-at-all";

/// Leeway for `exp` and `nbf`, in seconds.
const LEEWAY_SECONDS: f64 = 60.0;

/// The algorithms that the JWT library supports. A token with any other cannot be parsed.
const ALGORITHMS: [&str; 14] = [
    "HS256", "HS384", "HS512", "RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256",
    "ES384", "ES512", "EdDSA", "none",
];

/// Go's base64 ignores the unused bits of the last character.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &alphabet::URL_SAFE,
    GeneralPurposeConfig::new()
        .with_decode_allow_trailing_bits(true)
        .with_decode_padding_mode(DecodePaddingMode::RequireNone),
);

/// The server's only key pair.
#[derive(Debug, Clone)]
pub(super) struct Keys {
    pub(super) api_key: String,
    pub(super) api_secret: String,
}

impl Default for Keys {
    fn default() -> Self {
        Self { api_key: API_KEY.to_owned(), api_secret: API_SECRET.to_owned() }
    }
}

impl Keys {
    /// The grants in the request's token, or none without a token, which the methods then reject.
    pub(super) fn grants_of(&self, request: &Request, now: u64) -> Result<Grants, Refusal> {
        let in_query = request.query("access_token").unwrap_or_default();
        let token = match request.header("authorization") {
            None | Some("") => in_query.as_str(),
            Some(header) => header.strip_prefix("Bearer ").ok_or_else(|| {
                unauthorized("invalid authorization header. Must start with Bearer ")
            })?,
        };
        if token.is_empty() {
            return Ok(Grants::default());
        }
        self.grants_in(token, now)
    }

    /// The grants in this token.
    pub(super) fn grants_in(&self, token: &str, now: u64) -> Result<Grants, Refusal> {
        let token =
            Token::parse(token).ok_or_else(|| unauthorized("invalid authorization token"))?;
        if token.claims.iss != self.api_key {
            return Err(unknown_key());
        }
        token
            .verify(&self.api_secret, now)
            .map_err(|problem| unauthorized(&format!("invalid authorization token: {problem}")))?;
        token.grants().ok_or_else(|| {
            unauthorized(
                "invalid authorization token: token is malformed: could not JSON decode claim",
            )
        })
    }
}

/// The error for an unknown API key.
pub(super) fn unknown_key() -> Refusal {
    unauthorized("invalid API key")
}

fn unauthorized(text: &str) -> Refusal {
    Refusal::plain(401, text)
}

/// A parsed token, not verified.
struct Token<'a> {
    message: &'a str,
    signature: &'a str,
    algorithm: String,
    payload: Vec<u8>,
    claims: Registered,
}

#[derive(Deserialize)]
struct Header {
    alg: String,
}

/// The registered JWT claims.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Registered {
    iss: String,
    sub: String,
    jti: String,
    exp: Option<f64>,
    nbf: Option<f64>,
}

impl<'a> Token<'a> {
    fn parse(token: &'a str) -> Option<Self> {
        let (message, signature) = token.rsplit_once('.')?;
        let (header, payload) = message.split_once('.')?;
        if payload.contains('.') {
            return None;
        }
        let algorithm = read::<Header>(&BASE64.decode(header).ok()?)?.alg;
        if !ALGORITHMS.contains(&algorithm.as_str()) {
            return None;
        }
        let payload = BASE64.decode(payload).ok()?;
        let claims = read(&payload)?;
        Some(Self { message, signature, algorithm, payload, claims })
    }

    fn verify(&self, secret: &str, now: u64) -> Result<(), String> {
        if self.algorithm != "HS256" {
            let problem = format!("signing method {} is invalid", self.algorithm);
            return Err(format!("token signature is invalid: {problem}"));
        }
        let signature = BASE64.decode(self.signature).map_err(|_| {
            "token is malformed: could not base64 decode signature: illegal base64 data".to_owned()
        })?;
        let key = hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes());
        hmac::verify(&key, self.message.as_bytes(), &signature)
            .map_err(|_| "token signature is invalid: signature is invalid".to_owned())?;
        self.check_times(now)
    }

    #[allow(clippy::cast_precision_loss, reason = "seconds since 1970 fit")]
    fn check_times(&self, now: u64) -> Result<(), String> {
        let now = now as f64;
        let mut problems = Vec::new();
        match self.claims.exp {
            None => problems.push("token is missing required claim: exp claim is required"),
            Some(end) if now >= end + LEEWAY_SECONDS => problems.push("token is expired"),
            Some(_) => {}
        }
        if self.claims.nbf.is_some_and(|start| now < start - LEEWAY_SECONDS) {
            problems.push("token is not valid yet");
        }
        if problems.is_empty() {
            return Ok(());
        }
        Err(format!("token has invalid claims: {}", problems.join(", ")))
    }

    fn grants(&self) -> Option<Grants> {
        let claims: Claims = read(&self.payload)?;
        let Registered { sub, jti, .. } = &self.claims;
        let identity = if sub.is_empty() { jti } else { sub };
        Some(Grants { video: claims.video, name: claims.name, identity: identity.clone() })
    }
}

fn read<T: DeserializeOwned>(json: &[u8]) -> Option<T> {
    serde_json::from_slice(json).ok()
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Claims {
    name: String,
    video: Option<VideoGrant>,
}

/// The grants in a token.
#[derive(Debug, Default)]
pub(super) struct Grants {
    /// Absent if the token has no LiveKit grants.
    pub(super) video: Option<VideoGrant>,
    pub(super) name: String,
    pub(super) identity: String,
}

/// The room grants. An absent grant is not given, except publishing.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
#[allow(clippy::struct_excessive_bools, reason = "LiveKit's own claim")]
pub(super) struct VideoGrant {
    room_create: bool,
    room_list: bool,
    room_record: bool,
    room_admin: bool,
    pub(super) room_join: bool,
    pub(super) room: String,
    can_publish: Option<bool>,
    can_publish_data: Option<bool>,
    can_subscribe: Option<bool>,
    can_update_own_metadata: Option<bool>,
}

impl VideoGrant {
    pub(super) fn can_publish(&self) -> bool {
        self.can_publish.unwrap_or(true)
    }

    /// Data goes with the tracks unless the token says otherwise.
    pub(super) fn can_publish_data(&self) -> bool {
        self.can_publish_data.unwrap_or_else(|| self.can_publish())
    }

    pub(super) fn can_subscribe(&self) -> bool {
        self.can_subscribe.unwrap_or(true)
    }

    pub(super) fn can_update_own_metadata(&self) -> bool {
        self.can_update_own_metadata.unwrap_or(false)
    }
}

impl Grants {
    pub(super) fn ensure_create(&self) -> Result<(), Refusal> {
        self.ensure(|video| video.room_create)
    }

    pub(super) fn ensure_list(&self) -> Result<(), Refusal> {
        self.ensure(|video| video.room_list)
    }

    pub(super) fn ensure_record(&self) -> Result<(), Refusal> {
        self.ensure(|video| video.room_record)
    }

    /// Requires the admin grant for exactly this room.
    pub(super) fn ensure_admin_of(&self, room: &str) -> Result<(), Refusal> {
        self.ensure(|video| video.room_admin && video.room == room)
    }

    fn ensure(&self, is_granted: impl FnOnce(&VideoGrant) -> bool) -> Result<(), Refusal> {
        if self.video.as_ref().is_some_and(is_granted) {
            return Ok(());
        }
        Err(Refusal::new(Code::Unauthenticated, "permissions denied"))
    }
}
