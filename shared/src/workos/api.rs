//! WorkOS's API: the client, its response types, and its errors.

mod application;
mod authentication;
mod client;
mod connection;
mod email;
mod grant;
mod invitation_token;
mod magic_code;
mod organization;
mod organization_choice;
mod refusal;
mod user;

pub use application::Application;
pub use authentication::{Authentication, Impersonator, SessionId};
pub(super) use client::Urgency;
pub use client::WorkOs;
pub use connection::{Connection, ConnectionId};
pub use email::Email;
pub use grant::Grant;
pub use invitation_token::InvitationToken;
pub use magic_code::MagicCode;
pub use organization::{Organization, OrganizationId};
pub use organization_choice::{ChoosingUser, OfferedOrganization, OrganizationChoice};
pub use refusal::{AuthenticateError, CreateUserError, DevSignInError, Requirement, SendCodeError};
pub use user::{Metadata, Profile, User, UserId};
