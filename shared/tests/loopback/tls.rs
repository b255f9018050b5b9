//! TLS: only the roots that are trusted.

use anteroom::api::ApiError;
use anteroom::clerk::{Clerk, UserId};
use anteroom_stand_ins as stand_ins;

use crate::{configured, pairs};

async fn status(pairs: Vec<(String, String)>) -> u16 {
    let clerk = configured(pairs, Clerk::configure).await;
    let jane = UserId::parse(&stand_ins::clerk::User::seeded("jane").id).unwrap();
    match clerk.users().user(&jane).await {
        Ok(user) => user.map_or(404, |_| 200),
        Err(error) => ApiError::from(error).status().as_u16(),
    }
}

#[tokio::test]
async fn trusts_only_its_own_roots_and_those_in_the_named_file() {
    let stand_in = stand_ins::clerk::Clerk::start_tls().await.unwrap();
    let mut pairs = pairs(stand_in.settings());
    assert!(pairs.iter().any(|(name, _)| name == "SSL_CERT_FILE"));
    assert_eq!(status(pairs.clone()).await, 200);

    pairs.retain(|(name, _)| name != "SSL_CERT_FILE");
    assert_eq!(status(pairs).await, 503, "an unknown root is no connection");
}
