//! A requirement that a user has to meet before WorkOS lets them in.

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
    /// The message to the user.
    pub(super) fn message(self) -> &'static str {
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
