//! A requirement that a user has to meet before WorkOS lets them in.

use std::fmt;

use crate::api::ApiError;

/// The endpoint that sends the browser to WorkOS's hosted page.
const HOSTED_PAGE: &str = "continue-with-authkit";

/// A step that a user, or their administrator, has to take before WorkOS lets them in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Requirement {
    /// Verify their e-mail address.
    VerifyEmail,
    /// Set up a second factor.
    EnrollSecondFactor,
    /// Use their second factor.
    UseSecondFactor,
    /// Set up a passkey.
    EnrollPasskey,
    /// Sign in through the organization's identity provider.
    UseSso,
    /// Sign in by a method that the application or the organization allows.
    UseAnotherMethod,
    /// Pass WorkOS's check for suspicious sign-ins.
    PassSecurityCheck,
    /// Consent to the application.
    GiveConsent,
    /// Complete their profile.
    CompleteProfile,
    /// Be invited (again).
    BeInvited,
    /// Get an account from an administrator, because sign-up is closed.
    HaveAnAccount,
    /// Have their organization's SSO configuration repaired.
    RepairSso,
    /// Choose an organization that they belong to.
    JoinOrganization,
    /// Get access from an administrator.
    BeLetIn,
}

impl Requirement {
    /// 403 for a user who does not meet it yet. If WorkOS's hosted page can take the user through
    /// it, the error names the endpoint that leads there.
    pub(super) fn refuse(self, detail: impl fmt::Display) -> ApiError {
        let error = ApiError::forbidden(self.message()).with_detail(detail);
        if self.is_met_at_hosted_page() { error.with_next(HOSTED_PAGE) } else { error }
    }

    fn is_met_at_hosted_page(self) -> bool {
        match self {
            Self::VerifyEmail
            | Self::EnrollSecondFactor
            | Self::UseSecondFactor
            | Self::EnrollPasskey
            | Self::PassSecurityCheck => true,
            // The page has a way of its own for single sign-on; the rest is for an administrator, or
            // is not documented as something that the hosted page asks for.
            Self::UseSso
            | Self::UseAnotherMethod
            | Self::GiveConsent
            | Self::CompleteProfile
            | Self::BeInvited
            | Self::HaveAnAccount
            | Self::RepairSso
            | Self::JoinOrganization
            | Self::BeLetIn => false,
        }
    }

    /// The message to the user.
    fn message(self) -> &'static str {
        match self {
            Self::VerifyEmail => "Verify your e-mail address first, then sign in again",
            Self::EnrollSecondFactor => {
                "Set up two-factor authentication first, then sign in again"
            }
            Self::UseSecondFactor => "Sign in with your second factor",
            Self::EnrollPasskey => "Set up a passkey first, then sign in again",
            Self::UseSso => "Sign in through your organization's single sign-on",
            Self::UseAnotherMethod => "You may not use this sign-in method. Sign in another way",
            Self::PassSecurityCheck => "Pass the security check first, then sign in again",
            Self::GiveConsent => "Give your consent to the application first, then sign in again",
            Self::CompleteProfile => "Complete your profile first, then sign in again",
            Self::BeInvited => "Ask for a new invitation: this one is not valid for you",
            Self::HaveAnAccount => "Ask your administrator for an account: sign-up is closed",
            Self::RepairSso => "Ask your administrator to check your organization's single sign-on",
            Self::JoinOrganization => "Choose an organization that you belong to",
            Self::BeLetIn => "Ask your administrator for access",
        }
    }
}
