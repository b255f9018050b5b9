//! `POST /api/liveblocks-auth` with the usual crates: a Liveblocks token for the user who is signed
//! in at Clerk.

use std::time::Instant;

use default_rust::{Refusal, bearer, check_origin, claims, respond, secrets, variable};
use jsonwebtoken::DecodingKey;
use lambda_http::http::StatusCode;
use lambda_http::{Error, Request, run, service_fn, tracing};
use rand::seq::IndexedRandom as _;
use reqwest::Client;
use serde::Deserialize;
use serde_json::{Value, json};

const PALETTE: [&str; 8] =
    ["#E69F00", "#56B4E9", "#009E73", "#F0E442", "#0072B2", "#D55E00", "#CC79A7", "#7E57C2"];

const UNAVAILABLE: Refusal = (StatusCode::BAD_GATEWAY, "A service that we depend on failed");
const NOT_FOUND: Refusal = (StatusCode::NOT_FOUND, "User not found");

struct App {
    http: Client,
    jwt_key: DecodingKey,
    issuers: Vec<String>,
    origins: Vec<String>,
    clerk: String,
    clerk_key: String,
    liveblocks: String,
    liveblocks_key: String,
}

#[derive(Clone, Deserialize)]
struct Claims {
    sub: String,
    azp: Option<String>,
}

#[derive(Deserialize)]
struct User {
    first_name: Option<String>,
    last_name: Option<String>,
    image_url: Option<String>,
    primary_email_address_id: Option<String>,
    email_addresses: Vec<EmailAddress>,
    banned: bool,
    locked: bool,
}

#[derive(Deserialize)]
struct EmailAddress {
    id: String,
    email_address: String,
    verification: Option<Verification>,
}

#[derive(Deserialize)]
struct Verification {
    status: String,
}

#[tokio::main]
async fn main() -> Result<(), Error> {
    tracing::init_default_subscriber();
    let mut secrets = secrets(&[
        ("CLERK_SECRET_ID", "CLERK_SECRET_KEY"),
        ("LIVEBLOCKS_SECRET_ID", "LIVEBLOCKS_SECRET_KEY"),
    ])
    .await?;
    let mut secret = |name| secrets.remove(name).ok_or(format!("{name} is missing"));
    let app = App {
        http: Client::new(),
        jwt_key: DecodingKey::from_rsa_pem(variable("CLERK_JWT_KEY")?.as_bytes())?,
        issuers: vec![variable("CLERK_ISSUER")?],
        origins: variable("ALLOWED_ORIGINS")?.split(',').map(str::to_owned).collect(),
        clerk: variable("CLERK_API_URL")?,
        clerk_key: secret("CLERK_SECRET_KEY")?,
        liveblocks: variable("LIVEBLOCKS_API_URL")?,
        liveblocks_key: secret("LIVEBLOCKS_SECRET_KEY")?,
    };
    let app = &app;
    run(service_fn(async |request: Request| {
        let began = Instant::now();
        respond("liveblocks-auth", began, token(app, &request).await)
    }))
    .await
}

async fn token(app: &App, request: &Request) -> Result<Value, Refusal> {
    check_origin(request, &app.origins)?;
    let session = bearer(request).ok_or(NOT_FOUND)?;
    let claims: Claims = claims(session, &app.jwt_key, &app.issuers)?;
    if claims.azp.is_some_and(|party| !app.origins.contains(&party)) {
        return Err((StatusCode::UNAUTHORIZED, "The session is another application's"));
    }
    let user = user(app, &claims.sub).await?;
    if user.banned || user.locked {
        return Err((StatusCode::FORBIDDEN, "This user is banned or locked"));
    }
    let is_primary =
        |address: &&EmailAddress| Some(&address.id) == user.primary_email_address_id.as_ref();
    let is_verified = |address: &&EmailAddress| {
        address.verification.as_ref().is_some_and(|verification| verification.status == "verified")
    };
    let address = user.email_addresses.iter().find(is_primary).filter(is_verified);
    let address = address.ok_or((StatusCode::NOT_FOUND, "Email not set"))?;
    let names = [user.first_name.as_deref(), user.last_name.as_deref()];
    let name = names.into_iter().flatten().collect::<Vec<_>>().join(" ");
    let body = json!({
        "userId": address.email_address,
        "userInfo": {
            "name": if name.is_empty() { "Unnamed User" } else { &name },
            "imageUrl": user.image_url,
            "color": PALETTE.choose(&mut rand::rng()),
        },
    });
    let url = format!("{}/v2/identify-user", app.liveblocks);
    let sent = app.http.post(url).bearer_auth(&app.liveblocks_key).json(&body).send().await;
    let answer = sent.and_then(reqwest::Response::error_for_status).map_err(|_| UNAVAILABLE)?;
    answer.json().await.map_err(|_| UNAVAILABLE)
}

async fn user(app: &App, id: &str) -> Result<User, Refusal> {
    let url = format!("{}/v1/users/{id}", app.clerk);
    let sent = app.http.get(url).bearer_auth(&app.clerk_key).send().await;
    let answer = sent.map_err(|_| UNAVAILABLE)?;
    if answer.status() == StatusCode::NOT_FOUND {
        return Err(NOT_FOUND);
    }
    let answer = answer.error_for_status().map_err(|_| UNAVAILABLE)?;
    answer.json().await.map_err(|_| UNAVAILABLE)
}
