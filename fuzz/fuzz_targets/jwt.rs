//! Access tokens: only those that WorkOS has signed, for us, for a session, and for now are accepted.

#![no_main]

use anteroom::jwt::{Hs256Key, Rs256Key, Token, TokenError};
use anteroom::workos::Sessions;
use anteroom_fuzz::genuine;
use anteroom_fuzz::world::{API_SECRET, CLIENT_ID, NOW, World, request};
use anteroom_fuzz::{json, script};
use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use libfuzzer_sys::fuzz_target;
use serde_json::Value;

/// How far WorkOS's clock may be off, in seconds.
const LEEWAY: f64 = 5.0;

struct Verifying {
    world: World,
    sessions: Sessions,
    rsa: Rs256Key,
    secret: Hs256Key,
}

thread_local! {
    static VERIFYING: Verifying = {
        let world = World::start();
        let sessions = Sessions::configure(&mut world.settings(&[])).expect("settings");
        world.run(sessions.prefetch_keys());
        let [n, e] = genuine::components();
        let rsa = Rs256Key::from_components(&n, &e).expect("a key");
        Verifying { world, sessions, rsa, secret: Hs256Key::from_secret(&API_SECRET.into()) }
    };
}

fuzz_target!(|data: &[u8]| {
    let (operation, rest) = script::operation(&["text", "signed", "hs256"], data);
    VERIFYING.with(|verifying| match operation {
        "text" => check_text(verifying, &String::from_utf8_lossy(rest)),
        "signed" => {
            let (header, claims) = script::split_at_line(rest);
            let text = genuine::rs256(header, claims);
            check_parts(verifying, &text, header, claims);
            check_session(verifying, &text, header, claims);
        }
        _ => {
            let (header, claims) = script::split_at_line(rest);
            let text = genuine::hs256(API_SECRET.as_bytes(), header, claims);
            check_parts(verifying, &text, header, claims);
        }
    });
});

/// A text that nobody has signed, unless it is a genuine token byte for byte.
fn check_text(Verifying { rsa, secret, .. }: &Verifying, text: &str) {
    let Ok(token) = Token::parse(text) else {
        return;
    };
    assert_eq!(text.matches('.').count(), 2);
    let part = |at: usize| BASE64_URL_SAFE_NO_PAD.decode(text.split('.').nth(at).expect("a part"));
    let (header, claims) = (part(0).expect("base64"), part(1).expect("base64"));
    if token.verify_hs256(secret).is_ok() {
        assert_eq!(text, genuine::hs256(API_SECRET.as_bytes(), &header, &claims));
    }
    if token.verify(std::slice::from_ref(rsa)).is_ok() {
        assert_eq!(text, genuine::rs256(&header, &claims));
    }
}

/// A token with a right signature, of either algorithm.
fn check_parts(
    Verifying { rsa, secret, .. }: &Verifying,
    text: &str,
    header: &[u8],
    claims: &[u8],
) {
    let (strict_header, strict_claims) = (json::strict(header), json::strict(claims));
    let is_object = |value: &Option<Value>| value.as_ref().is_some_and(Value::is_object);
    let Ok(token) = Token::parse(text) else {
        // A header of other types is not readable; anything else in both is.
        let is_readable = is_object(&strict_claims)
            && header.first() == Some(&b'{')
            && claims.first() == Some(&b'{')
            && strict_header.as_ref().is_some_and(has_readable_fields);
        return assert!(!is_readable, "a token that JavaScript reads is malformed");
    };
    let verified = token.verify_hs256(secret).map(drop);
    let verified_rs256 = token.verify(std::slice::from_ref(rsa)).map(drop);
    for (algorithm, verified) in [("HS256", verified), ("RS256", verified_rs256)] {
        let Some(header) = &strict_header else { continue };
        match verified {
            Ok(()) => {
                assert_eq!(header["alg"], algorithm);
                assert!(header.get("crit").is_none(), "critical extensions");
            }
            Err(TokenError::Algorithm) => assert_ne!(header["alg"], algorithm),
            Err(TokenError::CriticalExtension) => assert!(header.get("crit").is_some()),
            Err(_) => assert_eq!(header["alg"], algorithm, "the other signature"),
        }
    }
}

fn has_readable_fields(header: &Value) -> bool {
    let optional = ["kid", "typ", "cat"].map(|name| header.get(name));
    header["alg"].is_string()
        && optional.into_iter().flatten().all(|value| value.is_string() || value.is_null())
}

/// A token with a right RS256 signature as a session.
fn check_session(verifying: &Verifying, text: &str, header: &[u8], claims: &[u8]) {
    let Verifying { world, sessions, .. } = verifying;
    let bearer = format!("Bearer {text}");
    let request = request("GET", "/", &[("authorization", &bearer)], "");
    let session = world.run(sessions.session(&request));
    let session = match session {
        Ok(session) => session,
        Err(error) => return assert!(matches!(error.status().as_u16(), 401 | 503)),
    };
    // Lone surrogates, and numbers beyond a double, are not JSON to a strict parser.
    let (Some(header), Some(claims)) = (json::strict(header), json::strict(claims)) else {
        return;
    };
    assert_eq!(header["alg"], "RS256");
    assert_eq!(header["kid"], genuine::KEY_ID);
    assert!(header.get("crit").is_none());
    let typ = header["typ"].as_str().map(str::to_ascii_lowercase);
    assert!(typ.is_none_or(|typ| typ == "jwt" || typ == "at+jwt"), "{header}");

    let now = NOW as f64;
    let issuer = claims["iss"].as_str().expect("an issuer");
    let base = world.providers.address();
    let client_issuer = format!("{base}/user_management/{CLIENT_ID}");
    let issuers = [genuine::ISSUER, base, &client_issuer];
    assert!(issuers.contains(&issuer.strip_suffix('/').unwrap_or(issuer)), "{issuer}");
    assert!(claims["exp"].as_f64().expect("an expiry") > now, "it has expired");
    assert!(claims["nbf"].as_f64().is_none_or(|nbf| nbf <= now + LEEWAY), "it is not valid yet");
    assert!(claims["client_id"].is_null() || claims["client_id"] == CLIENT_ID, "another client");
    let audiences = match &claims["aud"] {
        Value::Array(several) => several.iter().filter_map(Value::as_str).collect(),
        one => one.as_str().into_iter().collect::<Vec<_>>(),
    };
    let names_client =
        |audience: &&&str| audience.starts_with("client_") || audience.starts_with("project_");
    let for_other = audiences.iter().any(|audience| names_client(&audience));
    assert!(!for_other || audiences.contains(&CLIENT_ID), "another audience");

    let token = session.token();
    assert_eq!(Some(token.user_id.as_str()), claims["sub"].as_str());
    assert_eq!(Some(token.session_id.as_str()), claims["sid"].as_str());
    assert!(
        token.session_id.as_str().starts_with("session_") && !token.user_id.as_str().is_empty()
    );
    let organization = token.organization_id.as_ref().map(|id| id.as_str());
    assert!(organization.is_none_or(|id| claims["org_id"] == id && !id.is_empty()));
    for permission in &token.permissions {
        let given = claims["permissions"].as_array().expect("a list");
        assert!(given.iter().any(|given| given == permission.as_str()), "{permission}");
    }
}
