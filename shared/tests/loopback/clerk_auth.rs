//! Who a request comes from, by Clerk's tokens and cookies. Denials first.

use anteroom::api::{ApiError, Request};
use anteroom::caller::Caller;
use anteroom::clerk::{Auth, AuthError, Clerk, ClerkRefusal, SignedOut};
use anteroom::clock::Clock;
use anteroom::jwt::TokenError;
use anteroom_stand_ins::{self as stand_ins, jwt};
use secrecy::ExposeSecret as _;
use serde_json::{Value, json};

use crate::{ORIGIN, bearer, clerk, configured_at, pairs, request};

/// The time of these tests: tokens are valid around it.
const NOW: u64 = 1_900_000_000;

/// Clerk with its public key at hand, so that no call is made.
async fn networkless(stand_in: &stand_ins::clerk::Clerk) -> Clerk {
    let mut pairs = pairs(stand_in.settings());
    pairs.push(("CLERK_JWT_KEY".to_owned(), stand_in.jwt_key().to_owned()));
    configured_at(Clock::fixed(NOW), pairs, Clerk::configure).await
}

fn header() -> Value {
    json!({ "alg": "RS256", "typ": "JWT", "kid": "ins_anteroom", "cat": "cl_B7d4PD111AAA" })
}

/// Jane's session, issued ten seconds ago and valid for fifty more.
fn claims(stand_in: &stand_ins::clerk::Clerk) -> Value {
    json!({
        "azp": ORIGIN, "iss": stand_in.issuer(), "sub": "user_jane", "sid": "sess_jane",
        "sts": "active", "v": 2, "iat": NOW - 10, "nbf": NOW - 20, "exp": NOW + 50,
    })
}

/// `value` with other fields; `null` takes a field out.
fn with(mut value: Value, changes: Value) -> Value {
    let object = value.as_object_mut().unwrap();
    for (name, change) in changes.as_object().unwrap() {
        match change {
            Value::Null => object.remove(name),
            change => object.insert(name.clone(), change.clone()),
        };
    }
    value
}

fn refusal(auth: Result<Auth, AuthError>) -> ClerkRefusal {
    match auth {
        Err(AuthError::Refused(refusal)) => refusal,
        other => panic!("not refused: {other:?}"),
    }
}

fn signed_out(auth: Result<Auth, AuthError>) -> SignedOut {
    match auth {
        Ok(Auth::SignedOut(reason)) => reason,
        other => panic!("not signed out: {other:?}"),
    }
}

fn user(auth: Result<Auth, AuthError>) -> String {
    auth.unwrap().require().unwrap().user_id().to_string()
}

#[tokio::test]
async fn refuses_tokens_whose_claims_are_not_right() {
    let stand_in = stand_ins::clerk::Clerk::start().await.unwrap();
    let clerk = networkless(&stand_in).await;
    let malformed = ClerkRefusal::Token(TokenError::Malformed);
    for (changes, expected) in [
        (json!({ "iss": "https://clerk.evil.example" }), ClerkRefusal::Issuer),
        (json!({ "iss": format!("{}/", stand_in.issuer()) }), ClerkRefusal::Issuer),
        (json!({ "iss": null }), ClerkRefusal::Issuer),
        (json!({ "iss": 1 }), malformed),
        (json!({ "iss": [stand_in.issuer()] }), malformed),
        (json!({ "azp": "https://evil.example" }), ClerkRefusal::AuthorizedParty),
        (json!({ "azp": "" }), ClerkRefusal::AuthorizedParty),
        (json!({ "azp": null }), ClerkRefusal::NoAuthorizedParty),
        (json!({ "azp": [ORIGIN] }), malformed),
        (json!({ "sub": null }), ClerkRefusal::NotASession),
        (json!({ "sub": "" }), ClerkRefusal::NotASession),
        (json!({ "sub": "mch_1" }), ClerkRefusal::NotASession),
        (json!({ "sub": "../users" }), ClerkRefusal::NotASession),
        (json!({ "sub": 7 }), malformed),
        (json!({ "sid": null }), ClerkRefusal::NotASession),
        (json!({ "exp": null }), malformed),
        (json!({ "exp": (NOW + 50).to_string() }), malformed),
        (json!({ "nbf": NOW + 6 }), ClerkRefusal::NotYetValid),
        (json!({ "nbf": "soon" }), malformed),
        (json!({ "iat": NOW + 6 }), ClerkRefusal::NotYetValid),
        (json!({ "iat": [NOW] }), malformed),
    ] {
        let token = stand_in.sign(&header(), &with(claims(&stand_in), changes.clone()));
        assert_eq!(refusal(clerk.auth(&bearer(&token)).await), expected, "{changes}");
    }
}

#[tokio::test]
async fn refuses_tokens_whose_header_is_not_right() {
    let stand_in = stand_ins::clerk::Clerk::start().await.unwrap();
    let clerk = networkless(&stand_in).await;
    let critical = ClerkRefusal::Token(TokenError::CriticalExtension);
    let algorithm = ClerkRefusal::Token(TokenError::Algorithm);
    let malformed = ClerkRefusal::Token(TokenError::Malformed);
    for (changes, expected) in [
        (json!({ "crit": ["b64"], "b64": false }), critical),
        (json!({ "crit": [] }), critical),
        (json!({ "alg": "none" }), algorithm),
        (json!({ "alg": "RS512" }), algorithm),
        (json!({ "alg": "rs256" }), algorithm),
        (json!({ "alg": null }), malformed),
        (json!({ "alg": ["RS256"] }), malformed),
        (json!({ "typ": "at+jwt" }), ClerkRefusal::NotASession),
        (json!({ "typ": "jwt" }), ClerkRefusal::NotASession),
        (json!({ "cat": "cl_B7d4PD222AAA" }), ClerkRefusal::NotASession),
        (json!({ "cat": "cl_B7d4PD333AAA" }), ClerkRefusal::NotASession),
        (json!({ "cat": "" }), ClerkRefusal::NotASession),
        (json!({ "typ": 1 }), ClerkRefusal::NotASession),
        (json!({ "cat": 1 }), ClerkRefusal::NotASession),
    ] {
        let token = stand_in.sign(&with(header(), changes.clone()), &claims(&stand_in));
        assert_eq!(refusal(clerk.auth(&bearer(&token)).await), expected, "{changes}");
    }
}

#[tokio::test]
async fn refuses_forged_and_malformed_tokens() {
    let stand_in = stand_ins::clerk::Clerk::start().await.unwrap();
    let clerk = networkless(&stand_in).await;
    let good = stand_in.sign(&header(), &claims(&stand_in));
    let parts: Vec<_> = good.split('.').collect();
    let other = stand_in.sign(&header(), &with(claims(&stand_in), json!({ "sub": "user_eve" })));
    let other_claims = other.split('.').nth(1).unwrap();
    let hmac = with(header(), json!({ "alg": "HS256" }));
    let signature = ClerkRefusal::Token(TokenError::Signature);
    let algorithm = ClerkRefusal::Token(TokenError::Algorithm);
    let malformed = ClerkRefusal::Token(TokenError::Malformed);
    for (token, expected) in [
        (stand_in.sign_foreign(&header(), &claims(&stand_in)), signature),
        (format!("{}.{other_claims}.{}", parts[0], parts[2]), signature),
        (format!("{}.{}.", parts[0], parts[1]), signature),
        (jwt::unsigned(&with(header(), json!({ "alg": "none" })), &claims(&stand_in)), algorithm),
        (jwt::hmac_signed(&hmac, &claims(&stand_in), stand_in.jwt_key().as_bytes()), algorithm),
        (format!("{good}="), malformed),
        (format!("{good}.x"), malformed),
        (good.replacen('.', "", 1), malformed),
        (format!(" {good} {good}"), malformed),
        ("x.y.z".to_owned(), malformed),
        ("not-a-token".to_owned(), malformed),
        ("..".to_owned(), malformed),
        (format!("W10.{}.{}", parts[1], parts[2]), malformed), // the header is []
    ] {
        assert_eq!(refusal(clerk.auth(&bearer(&token)).await), expected, "{token}");
    }
}

#[tokio::test]
async fn an_expired_or_pending_session_is_signed_out() {
    let stand_in = stand_ins::clerk::Clerk::start().await.unwrap();
    let clerk = networkless(&stand_in).await;
    for (changes, expected) in [
        (json!({ "exp": NOW - 5 }), SignedOut::Expired),
        (json!({ "exp": 0 }), SignedOut::Expired),
        (json!({ "sts": "pending" }), SignedOut::Pending),
        (json!({ "sts": "whatever" }), SignedOut::Pending),
    ] {
        let token = stand_in.sign(&header(), &with(claims(&stand_in), changes.clone()));
        assert_eq!(signed_out(clerk.auth(&bearer(&token)).await), expected, "{changes}");
    }
}

#[tokio::test]
async fn accepts_what_clerk_issues_within_five_seconds_of_leeway() {
    let stand_in = stand_ins::clerk::Clerk::start().await.unwrap();
    let clerk = networkless(&stand_in).await;
    for changes in [
        json!({}),
        json!({ "exp": NOW - 4 }),
        json!({ "nbf": NOW + 5, "iat": NOW + 5 }),
        json!({ "nbf": null, "iat": null }),
        json!({ "exp": 1_900_000_000.5 }),
        json!({ "sts": null }),
        json!({ "aud": "anything" }),
    ] {
        let token = stand_in.sign(&header(), &with(claims(&stand_in), changes.clone()));
        assert_eq!(user(clerk.auth(&bearer(&token)).await), "user_jane", "{changes}");
    }
    for changes in [
        json!({ "typ": null }),
        json!({ "cat": null }),
        json!({ "kid": null }),
        json!({ "kid": 1 }),
    ] {
        let token = stand_in.sign(&with(header(), changes.clone()), &claims(&stand_in));
        assert_eq!(user(clerk.auth(&bearer(&token)).await), "user_jane", "{changes}");
    }
    let ignoring = with(header(), json!({ "cat": "cl_I7d4PD111III" }));
    let token = stand_in.sign(&ignoring, &claims(&stand_in));
    assert_eq!(user(clerk.auth(&bearer(&token)).await), "user_jane");
    assert_eq!(stand_in.requests().len(), 0, "the key was at hand");
}

#[tokio::test]
async fn tells_the_session_apart_and_its_organization() {
    let stand_in = stand_ins::clerk::Clerk::start().await.unwrap();
    let clerk = networkless(&stand_in).await;
    let organization = json!({
        "fea": "o:rooms",
        "o": { "id": "org_1", "slg": "acme", "rol": "admin", "per": "record", "fpm": "1" },
        "theme": "dark",
    });
    let token = stand_in.sign(&header(), &with(claims(&stand_in), organization));

    let session = clerk.auth(&bearer(&token)).await.unwrap().require().unwrap();

    assert_eq!(session.session_id().as_str(), "sess_jane");
    let organization = session.organization().unwrap();
    assert_eq!(organization.id, "org_1");
    assert_eq!(organization.permissions, ["org:rooms:record"]);
    let own: Value = session.claims().unwrap();
    assert_eq!(own["theme"], "dark");
    assert_eq!(session.token().expose_secret(), token);
    assert!(!format!("{session:?}").contains("user_jane"));
}

#[tokio::test]
async fn a_session_becomes_a_caller() {
    let stand_in = stand_ins::clerk::Clerk::start().await.unwrap();
    let clerk = networkless(&stand_in).await;
    let caller = async |changes: Value| {
        let token = stand_in.sign(&header(), &with(claims(&stand_in), changes));
        clerk.auth(&bearer(&token)).await.unwrap().require().unwrap().caller()
    };
    let organization = |id: &str| json!({ "id": id, "rol": "admin", "per": "manage", "fpm": "1" });
    let full = caller(json!({
        "fea": "o:recordings", "o": organization("org_1"),
        "act": { "iss": "https://dashboard.clerk.com", "sub": "user_admin" },
    }));
    let expected = Caller {
        user_id: "user_jane".to_owned(),
        session_id: "sess_jane".to_owned(),
        organization_id: Some("org_1".to_owned()),
        permissions: vec!["org:recordings:manage".to_owned()],
        impersonator: Some("user_admin".to_owned()),
    };
    assert_eq!(full.await, expected);
    // What cannot be read, or is no id, counts as absent.
    for odd in [json!(null), organization(""), organization(" org_1"), json!(["org_1"])] {
        let changes = json!({ "fea": "o:recordings", "o": odd, "act": "user_admin" });
        let caller = caller(changes.clone()).await;
        assert_eq!((caller.organization_id, caller.impersonator), (None, None), "{changes}");
        assert_eq!(caller.permissions, [""; 0], "{changes}");
    }
}

#[tokio::test]
async fn nobody_is_signed_in_without_credentials() {
    let stand_in = stand_ins::clerk::Clerk::start().await.unwrap();
    let clerk = networkless(&stand_in).await;
    for headers in [
        &[][..],
        &[("authorization", "")],
        &[("authorization", "Bearer")],
        &[("authorization", "Bearer ")],
        &[("authorization", "Basic amFuZTpkb2U=")],
        &[("cookie", "theme=dark")],
        &[("cookie", "__session=")],
        &[("cookie", "__client_uat=1899999000")],
    ] {
        let reason = signed_out(clerk.auth(&request(headers)).await);
        assert_eq!(reason, SignedOut::NoToken, "{headers:?}");
    }
    let error = clerk.auth(&request(&[])).await.unwrap().require().unwrap_err();
    assert_eq!(error.status(), 401);
}

#[tokio::test]
async fn a_header_counts_before_a_cookie_and_never_falls_back_to_it() {
    let stand_in = stand_ins::clerk::Clerk::start().await.unwrap();
    let clerk = networkless(&stand_in).await;
    let jane = stand_in.sign(&header(), &claims(&stand_in));
    let cookie = format!("__session={jane}");
    let john = stand_in.sign(&header(), &with(claims(&stand_in), json!({ "sub": "user_john" })));
    let expired = stand_in.sign(&header(), &with(claims(&stand_in), json!({ "exp": 1 })));
    let ask = async |authorization: &str| {
        let headers = [("authorization", authorization), ("cookie", &cookie)];
        clerk.auth(&request(&headers)).await
    };

    assert_eq!(user(ask(&format!("Bearer {john}")).await), "user_john");
    assert_eq!(user(ask(&john).await), "user_jane", "a token needs its scheme");
    assert_eq!(refusal(ask("Bearer x.y.z").await), ClerkRefusal::Token(TokenError::Malformed));
    assert_eq!(signed_out(ask(&format!("Bearer {expired}")).await), SignedOut::Expired);
    assert_eq!(signed_out(ask("Bearer ").await), SignedOut::NoToken);
    assert_eq!(user(ask("Basic amFuZTpkb2U=").await), "user_jane");
    assert_eq!(user(ask("").await), "user_jane");
}

/// The suffix of the stand-in's cookies.
fn suffix(stand_in: &stand_ins::clerk::Clerk) -> String {
    let key: anteroom::clerk::PublishableKey = stand_in.publishable_key().parse().unwrap();
    key.cookie_suffix().to_owned()
}

fn cookies(pairs: &[(&str, &str)]) -> Request {
    let pairs: Vec<_> = pairs.iter().map(|(name, value)| format!("{name}={value}")).collect();
    request(&[("cookie", &pairs.join("; "))])
}

#[tokio::test]
async fn chooses_between_suffixed_and_plain_cookies_as_clerk_does() {
    let stand_in = stand_ins::clerk::Clerk::start().await.unwrap();
    let clerk = networkless(&stand_in).await;
    let token = |changes| stand_in.sign(&header(), &with(claims(&stand_in), changes));
    let jane = token(json!({}));
    let john = token(json!({ "sub": "user_john" }));
    let newer = token(json!({ "sub": "user_newer", "iat": NOW - 5 }));
    let issuer = "https://clerk.other.example";
    let foreign = token(json!({ "iss": issuer, "sub": "user_other", "iat": NOW - 5 }));
    let suffix = suffix(&stand_in);
    let (session, uat) = (format!("__session_{suffix}"), format!("__client_uat_{suffix}"));
    let (session, uat) = (session.as_str(), uat.as_str());
    let long_ago = (NOW - 1000).to_string();
    let long_ago = long_ago.as_str();

    for (jar, expected) in [
        (vec![("__session", jane.as_str())], Some("user_jane")),
        (vec![("__session", &jane), ("__client_uat", long_ago)], Some("user_jane")),
        (vec![(session, &jane)], Some("user_jane")),
        (vec![(session, &jane), (uat, long_ago)], Some("user_jane")),
        // Another instance on the same domain has overwritten the plain ones.
        (vec![("__session", &foreign), (session, &jane), (uat, long_ago)], Some("user_jane")),
        // Both are ours, and the suffixed one is at least as new.
        (
            vec![
                ("__session", &john),
                ("__client_uat", long_ago),
                (session, &jane),
                (uat, long_ago),
            ],
            Some("user_jane"),
        ),
        (
            vec![
                ("__session", &newer),
                ("__client_uat", long_ago),
                (session, &jane),
                (uat, long_ago),
            ],
            Some("user_newer"),
        ),
        // Signed out under the suffix, signed in again by an older script.
        (
            vec![("__session", &john), ("__client_uat", long_ago), (session, &jane), (uat, "0")],
            Some("user_john"),
        ),
        // Signed out altogether.
        (vec![("__session", &jane), ("__client_uat", "0")], None),
        (vec![(session, &jane), (uat, "0")], None),
        (vec![(session, &jane), ("__client_uat", "0")], None),
        (vec![("__session", &jane), ("__client_uat", "garbage")], None),
        // Signed out under the plain names only: the suffixed token counts while it lasts.
        (
            vec![("__session", &john), ("__client_uat", "0"), (session, &jane), (uat, long_ago)],
            Some("user_jane"),
        ),
        // Signed in at the very second in which the token was issued.
        (vec![("__session", &jane), ("__client_uat", &(NOW - 10).to_string())], Some("user_jane")),
        // Signed out, and in again as somebody else, since the token was issued.
        (vec![("__session", &jane), ("__client_uat", &(NOW - 9).to_string())], None),
    ] {
        let auth = clerk.auth(&cookies(&jar)).await.unwrap();
        let who = auth.user_id().map(ToString::to_string);
        assert_eq!(who.as_deref(), expected, "{:?}", jar.iter().map(|c| c.0).collect::<Vec<_>>());
    }

    // An older script signs out of a development instance without deleting the suffixed cookies.
    let expired = token(json!({ "exp": NOW }));
    let jar = [("__session", &*john), ("__client_uat", "0"), (session, &expired), (uat, long_ago)];
    assert_eq!(signed_out(clerk.auth(&cookies(&jar)).await), SignedOut::SignedOutSince);
}

#[tokio::test]
async fn a_token_without_a_party_counts_only_in_a_cookie_from_an_authorized_page() {
    let stand_in = stand_ins::clerk::Clerk::start().await.unwrap();
    let clerk = networkless(&stand_in).await;
    let token = stand_in.sign(&header(), &with(claims(&stand_in), json!({ "azp": null })));
    let (cookie, bearer) = (format!("__session={token}"), format!("Bearer {token}"));
    let (cookie, bearer) = (("cookie", cookie.as_str()), ("authorization", bearer.as_str()));
    let page = ("origin", ORIGIN);

    assert_eq!(user(clerk.auth(&request(&[cookie, page])).await), "user_jane");
    for headers in [
        vec![cookie],
        vec![cookie, ("origin", "https://evil.example")],
        vec![cookie, ("origin", "null")],
        vec![cookie, page, page],
        vec![bearer, page],
    ] {
        let refusal = refusal(clerk.auth(&request(&headers)).await);
        assert_eq!(refusal, ClerkRefusal::NoAuthorizedParty, "{:?}", &headers[1..]);
    }
}

#[tokio::test]
async fn refuses_two_different_cookies_of_one_name() {
    let stand_in = stand_ins::clerk::Clerk::start().await.unwrap();
    let clerk = networkless(&stand_in).await;
    let jane = stand_in.sign(&header(), &claims(&stand_in));
    let john = stand_in.sign(&header(), &with(claims(&stand_in), json!({ "sub": "user_john" })));

    let planted = cookies(&[("__session", &john), ("__session", &jane)]);
    assert_eq!(refusal(clerk.auth(&planted).await), ClerkRefusal::TwoCookies);
    let latest = cookies(&[
        ("__session", &jane),
        ("__client_uat", "1"),
        ("__client_uat", &(NOW - 9).to_string()),
    ]);
    assert_eq!(signed_out(clerk.auth(&latest).await), SignedOut::SignedOutSince);
    let twice = cookies(&[("__session", &jane), ("__session", &jane)]);
    assert_eq!(user(clerk.auth(&twice).await), "user_jane");
}

#[tokio::test]
async fn cookies_that_are_not_chosen_may_repeat() {
    let stand_in = stand_ins::clerk::Clerk::start().await.unwrap();
    let clerk = networkless(&stand_in).await;
    let jane = stand_in.sign(&header(), &claims(&stand_in));
    let suffix = suffix(&stand_in);
    let long_ago = (NOW - 1000).to_string();
    let jar = cookies(&[
        ("__client_uat", "1"),
        ("__client_uat", "2"),
        (&format!("__session_{suffix}"), &jane),
        (&format!("__client_uat_{suffix}"), &long_ago),
    ]);
    assert_eq!(user(clerk.auth(&jar).await), "user_jane");
}

#[tokio::test]
async fn a_malformed_token_is_401_and_is_not_printed() {
    let stand_in = stand_ins::clerk::Clerk::start().await.unwrap();
    let clerk = clerk(&stand_in).await;
    let error = ApiError::from(clerk.auth(&bearer("a.secret.token")).await.unwrap_err());
    assert_eq!(error.status(), 401);
    assert!(!format!("{error:?}").contains("secret"));
}
