//! The part of WorkOS's API that this project uses. <https://workos.com/docs/reference>
//!
//! | request | response or effect |
//! |---|---|
//! | `GET /user_management/authorize` | a sign-in page; [`WorkOs::authorization_code`] issues a code without it |
//! | `POST /user_management/authenticate` | a session for a code, a magic code, a refresh token, or the choice of an organization |
//! | `GET /user_management/sessions/logout` | ends the session and redirects |
//! | `GET /sso/jwks/{client}` | the public keys |
//! | `POST /user_management/magic_auth` | a magic code; also creates an account for an unknown address |
//! | `GET`, `POST /user_management/users`, `GET …/{id}` | users |
//! | `GET /user_management/organization_memberships` | memberships |
//! | `GET /organizations`, `GET …/{id}` | organizations, by domain too |
//! | `GET /connections` | SSO connections |
//! | `GET /dev/access-token?user=jane` | an access token of a new session as plain text; `&organization=` a name or an id |
//! | `GET /dev/magic-code?email=jane.doe@example.com` | the latest magic code as plain text |
//! | `GET /dev/callers` | the client of each grant so far, as the application named it |
//! | `GET /dev/invitation?email=…&organization=Example` | the token of a new invitation as plain text |
//! | `GET /dev/impersonate?user=jane&by=admin@example.com` | what the dashboard does when an administrator impersonates a user; optional `&reason=`, and `&sign_in_endpoint=` with the dashboard's setting |
//! | `GET /dev/identity-provider?user=someone` | what the application's tile at the identity provider does; optional `&sign_in_endpoint=` |
//!
//! WorkOS itself has nothing under `/dev/`.
//!
//! A request needs the API key as its bearer token, and gets 401 for a wrong one. `authenticate`
//! takes the key as `client_secret`, and returns 400 `invalid_client`. A browser's requests and the
//! JWKS need no key. [`seeded_users`] lists the users.
//!
//! As WorkOS documents, an address may request three codes and make ten guesses per minute; more
//! gets 429 with `Retry-After`, unless [`WorkOs::lift_limits`] is called.

mod application;
mod authenticate;
mod authorization_code;
mod authorize;
mod caller;
mod control;
mod directory;
mod dispatch;
mod fields;
mod identifier;
mod invitation;
mod keys;
mod list;
mod magic_code;
mod organization;
mod page;
mod pending;
mod refusal;
mod seeds;
mod session;
mod state;
mod unsolicited;
mod user;

pub use self::{
    application::{API_KEY, CLIENT_ID, COOKIE_PASSWORD, LOGOUT_RETURN_TO, REDIRECT_URI},
    authorization_code::AUTHORIZATION_CODE_SECONDS,
    caller::Caller,
    dispatch::{Environment, WorkOs},
    keys::{FOREIGN_KEY, NEXT_SIGNING_KEY, SIGNING_KEY},
    magic_code::{MAGIC_CODE_GUESSES, MAGIC_CODE_SECONDS},
    organization::{Connection, Domain, Membership, Organization},
    pending::PENDING_SECONDS,
    seeds::{
        INVITE_PERMISSION, MODERATE_PERMISSION, PERMISSIONS, RECORDING_PERMISSION,
        seeded_organizations, seeded_users,
    },
    session::{ACCESS_TOKEN_SECONDS, REPLAY_SECONDS},
    user::{Step, User},
};
