//! Invitations to an organization. A sign-in that brings the token accepts one, once.
//! <https://workos.com/docs/reference/authkit/invitation>

use super::{
    identifier, organization::Membership, refusal::Refusal, session::SignIn, state::State,
};

/// An invitation that was sent to an address.
#[derive(Debug)]
pub(super) struct Invitation {
    token: String,
    email: String,
    organization_id: String,
    is_accepted: bool,
}

impl State {
    /// Invites an address to an organization. Gives the token in the invitation's link.
    pub(super) fn invite(&mut self, email: &str, organization_id: &str) -> String {
        let token = identifier::new_token();
        self.invitations.push(Invitation {
            token: token.clone(),
            email: email.to_owned(),
            organization_id: organization_id.to_owned(),
            is_accepted: false,
        });
        token
    }

    /// Refuses a token that is unknown, used, or another address's.
    pub(super) fn check_invitation(&self, token: &str, email: &str) -> Result<(), Refusal> {
        let open = |invitation: &&Invitation| invitation.token == token && !invitation.is_accepted;
        let invitation = self.invitations.iter().find(open);
        let invitation = invitation.ok_or_else(Refusal::invitation_invalid)?;
        if invitation.email.to_lowercase() != email.to_lowercase() {
            return Err(Refusal::invitation_cannot_be_used_for_email());
        }
        Ok(())
    }

    /// Accepts the invitation that a sign-in brings: the user joins its organization and signs in
    /// to it.
    pub(super) fn accept_invitation(&mut self, sign_in: &mut SignIn) -> Result<(), Refusal> {
        let Some(token) = sign_in.invitation.take() else { return Ok(()) };
        let user = self.user_by_id(&sign_in.user_id);
        let email = user.map(|user| user.email.clone()).unwrap_or_default();
        self.check_invitation(&token, &email)?;
        let invitation = self.invitations.iter_mut().find(|invitation| invitation.token == token);
        let Some(invitation) = invitation else { return Ok(()) };
        invitation.is_accepted = true;
        let organization_id = invitation.organization_id.clone();
        if self.membership(&sign_in.user_id, &organization_id).is_none() {
            self.memberships.push(Membership::as_member(&sign_in.user_id, &organization_id));
        }
        sign_in.organization_id = Some(organization_id);
        Ok(())
    }
}
