//! `POST /api/v1/livekit/room-auth` with the usual crates: lets a signed-in user join one LiveKit
//! room. Takes an access token; no crate opens `AuthKit`'s sealed cookies.

use std::time::{Duration, Instant, SystemTime};

use default_rust::{PublicKeys, Refusal, bearer, check_origin, respond, secrets, variable};
use jsonwebtoken::{EncodingKey, Header, encode};
use lambda_http::http::StatusCode;
use lambda_http::{Error, Request, RequestPayloadExt as _, run, service_fn, tracing};
use serde::Deserialize;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

const LIFETIME: Duration = Duration::from_secs(10 * 60);

struct App {
    keys: PublicKeys,
    issuers: Vec<String>,
    origins: Vec<String>,
    api_key: String,
    api_secret: EncodingKey,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Input {
    username: String,
    room_id: String,
}

#[derive(Clone, Deserialize)]
struct Claims {
    sub: String,
    sid: String,
}

#[tokio::main]
async fn main() -> Result<(), Error> {
    tracing::init_default_subscriber();
    let mut secrets = secrets(&[
        ("WORKOS_SECRET_ID", "WORKOS_API_KEY"),
        ("LIVEKIT_SECRET_ID", "LIVEKIT_API_KEY"),
        ("LIVEKIT_SECRET_ID", "LIVEKIT_API_SECRET"),
    ])
    .await?;
    let mut secret = |name| secrets.remove(name).ok_or(format!("{name} is missing"));
    let (api, client_id) = (variable("WORKOS_API_URL")?, variable("WORKOS_CLIENT_ID")?);
    let url = format!("{api}/sso/jwks/{client_id}");
    let app = App {
        keys: PublicKeys::fetch(reqwest::Client::new(), url).await?,
        issuers: vec![api.clone(), format!("{api}/"), format!("{api}/user_management/{client_id}")],
        origins: variable("ALLOWED_ORIGINS")?.split(',').map(str::to_owned).collect(),
        api_key: secret("LIVEKIT_API_KEY")?,
        api_secret: EncodingKey::from_secret(secret("LIVEKIT_API_SECRET")?.as_bytes()),
    };
    let app = &app;
    run(service_fn(async |request: Request| {
        let began = Instant::now();
        respond("room-auth", began, token(app, &request).await)
    }))
    .await
}

async fn token(app: &App, request: &Request) -> Result<Value, Refusal> {
    check_origin(request, &app.origins)?;
    let unreadable = (StatusCode::BAD_REQUEST, "username and roomId are required");
    let input: Option<Input> = request.json().map_err(|_| unreadable)?;
    let input = input.ok_or(unreadable)?;
    let is_good = |text: &str| (1..=128).contains(&text.chars().count());
    if !is_good(&input.username) || !is_good(&input.room_id) {
        return Err(unreadable);
    }
    let nobody = (StatusCode::UNAUTHORIZED, "There is no session");
    let claims: Claims = app.keys.verify(bearer(request).ok_or(nobody)?, &app.issuers).await?;
    let now = SystemTime::UNIX_EPOCH.elapsed().unwrap_or_default();
    let digest: String =
        Sha256::digest(&claims.sid)[..8].iter().map(|byte| format!("{byte:02x}")).collect();
    let grant = json!({
        "iss": app.api_key,
        "nbf": now.as_secs(),
        "exp": (now + LIFETIME).as_secs(),
        "sub": format!("{}:{digest}", claims.sub),
        "name": input.username,
        "video": {
            "roomJoin": true, "room": input.room_id, "canPublish": true, "canSubscribe": true,
        },
    });
    let unsigned = (StatusCode::INTERNAL_SERVER_ERROR, "The token could not be signed");
    let token = encode(&Header::default(), &grant, &app.api_secret).map_err(|_| unsigned)?;
    Ok(json!({ "token": token }))
}
