//! Attacks on the built functions, one table per subject. Each row says what is tried, the exact
//! answer, and what must not have happened: which providers were called, which cookies were set, and
//! that nothing of the attempt is in the log.
//!
//! ```text
//! cargo test --package anteroom-security --test attacks -- --nocapture
//! ```

#![allow(clippy::unwrap_used, reason = "a test that cannot be set up fails")]
#![allow(clippy::too_many_lines, reason = "a table is as long as it has rows")]

mod addresses;
mod attack;
mod clerk_tokens;
mod codes;
mod cross_site;
mod events;
mod gateway;
mod grants;
mod invitations;
mod moderation;
mod oauth;
mod organizations;
mod provider_answers;
mod raw_server;
mod recordings;
mod seals;
mod webhooks;
mod workos_tokens;
mod world;

#[tokio::test]
async fn clerk_tokens_that_are_forged_or_misplaced_admit_nobody() {
    clerk_tokens::table().await.finish();
}

#[tokio::test]
async fn workos_tokens_that_are_forged_or_misplaced_admit_nobody() {
    workos_tokens::table().await.finish();
}

#[tokio::test]
async fn seals_that_are_altered_or_hold_something_else_admit_nobody() {
    seals::table().await.finish();
}

#[tokio::test]
async fn callbacks_of_other_browsers_sign_nobody_in() {
    oauth::table().await.finish();
}

#[tokio::test]
async fn codes_that_are_guessed_replayed_or_disguised_sign_nobody_in() {
    codes::table().await.finish();
}

#[tokio::test]
async fn addresses_that_look_like_another_reach_nobody_else() {
    addresses::table().await.finish();
}

#[tokio::test]
async fn organizations_that_were_not_offered_cannot_be_entered() {
    organizations::table().await.finish();
}

#[tokio::test]
async fn grants_are_never_more_than_the_session_has() {
    grants::table().await.finish();
}

#[tokio::test]
async fn recordings_of_others_cannot_be_seen_or_stopped() {
    recordings::table().await.finish();
}

#[tokio::test]
async fn webhooks_that_livekit_has_not_signed_reach_no_bus() {
    webhooks::table().await.finish();
}

#[tokio::test]
async fn invitations_that_are_forged_or_of_another_kind_admit_nobody() {
    invitations::table().await.finish();
}

#[tokio::test]
async fn moderation_reaches_only_participants_of_ones_own_rooms() {
    moderation::table().await.finish();
}

#[tokio::test]
async fn every_endpoint_rejects_cross_site_requests() {
    cross_site::table().await.finish();
}

#[tokio::test]
async fn malformed_events_crash_no_function() {
    events::table().await.finish();
}

#[tokio::test]
async fn responses_of_hostile_providers_harm_nobody() {
    provider_answers::table().await.finish();
}

#[tokio::test]
async fn requests_that_are_smuggled_through_the_gateway_reach_no_function() {
    gateway::table().await.finish();
}
