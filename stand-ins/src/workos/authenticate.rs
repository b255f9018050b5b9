//! `POST /user_management/authenticate`: exchanges a grant for a session.
//! <https://workos.com/docs/reference/authkit/authentication>
//!
//! Only the grants of an application with a secret are imitated: WorkOS also lets a public client
//! redeem a code with only its verifier, but a function that forgets its key must fail here.

use serde_json::{Value, json};

use super::{
    application::CLIENT_ID,
    caller::Caller,
    fields::Fields,
    identifier,
    magic_code::Limit,
    organization::{Membership, Organization},
    pending::{PENDING_SECONDS, Pending},
    refusal::Refusal,
    session::{Session, SignIn, access_claims, magic_auth},
    state::State,
    user::Step,
};

/// A requirement of an organization that the sign-in does not meet.
enum Demand<'a> {
    Sso(Vec<&'a str>),
    Mfa,
}

impl State {
    pub(super) fn authenticate(&mut self, fields: &Fields, now: u64) -> Result<Value, Refusal> {
        let grant_type = fields.required("grant_type")?;
        self.check_client(fields)?;
        self.callers.push(Caller::read(fields, grant_type)?);
        match grant_type {
            "authorization_code" => self.authenticate_with_code(fields, now),
            "urn:workos:oauth:grant-type:magic-auth:code" => {
                self.authenticate_with_magic_auth(fields, now)
            }
            "urn:workos:oauth:grant-type:organization-selection" => {
                self.authenticate_with_organization_selection(fields, now)
            }
            "refresh_token" => self.authenticate_with_refresh_token(fields, now),
            _ => Err(Refusal::unsupported_grant_type()),
        }
    }

    fn check_client(&self, fields: &Fields) -> Result<(), Refusal> {
        if fields.required("client_id")? != CLIENT_ID {
            return Err(Refusal::unknown_client());
        }
        if !self.accepts_api_key(fields.required("client_secret")?) {
            return Err(Refusal::wrong_client_secret());
        }
        Ok(())
    }

    fn authenticate_with_code(&mut self, fields: &Fields, now: u64) -> Result<Value, Refusal> {
        let code = fields.required("code")?;
        let verifier = fields.optional("code_verifier")?;
        let sign_in = self.codes.redeem(code, verifier, now)?;
        self.complete(sign_in, now)
    }

    fn authenticate_with_magic_auth(
        &mut self,
        fields: &Fields,
        now: u64,
    ) -> Result<Value, Refusal> {
        let code = fields.required("code")?;
        let email = fields.email()?;
        self.limits.check(Limit::Authenticate, &email.to_lowercase(), now)?;
        let user = self.user_spelled(&email);
        let email = user.map_or(email, |user| user.email.clone());
        let user_id = self.magic_codes.redeem(&email, code, now)?;
        if let Some(user) = self.users.iter_mut().find(|user| user.id == user_id) {
            user.is_email_verified = user.next_step != Some(Step::EmailVerification);
        }
        let invitation = fields.optional("invitation_token")?.map(str::to_owned);
        self.complete(SignIn { invitation, ..magic_auth(user_id) }, now)
    }

    fn authenticate_with_organization_selection(
        &mut self,
        fields: &Fields,
        now: u64,
    ) -> Result<Value, Refusal> {
        let token = fields.required("pending_authentication_token")?;
        let organization_id = fields.required("organization_id")?;
        let pending = self.pending.get(token).filter(|pending| pending.expires_at > now);
        let sign_in = &pending.ok_or_else(|| Refusal::invalid_pending_token(token))?.sign_in;

        let organization =
            self.organization(organization_id).ok_or_else(Refusal::invalid_organization_id)?;
        self.membership(&sign_in.user_id, organization_id)
            .ok_or_else(Refusal::organization_membership_not_found)?;
        if let Some(Demand::Sso(_)) = demand(organization, sign_in) {
            return Err(Refusal::sso_required_for_selection());
        }
        let sign_in =
            SignIn { organization_id: Some(organization_id.to_owned()), ..sign_in.clone() };
        self.pending.remove(token);
        self.complete(sign_in, now)
    }

    fn authenticate_with_refresh_token(
        &mut self,
        fields: &Fields,
        now: u64,
    ) -> Result<Value, Refusal> {
        let token = fields.required("refresh_token")?;
        let wanted = fields.optional("organization_id")?.filter(|id| !id.is_empty());
        let mut session = self.sessions.of_refresh_token(token)?.clone();
        let user = self.user_by_id(&session.sign_in.user_id).ok_or_else(Refusal::ended_session)?;
        if let Some(answer) = self.sessions.exchanged(token, wanted, now)? {
            return Ok(answer);
        }
        if let Some(id) = wanted {
            let organization = self.organization(id).ok_or_else(Refusal::organization_not_found)?;
            self.membership(&user.id, id).ok_or_else(Refusal::organization_membership_not_found)?;
            match demand(organization, &session.sign_in) {
                None => session.organization_id = Some(id.to_owned()),
                Some(Demand::Mfa) => return Err(Refusal::mfa_enrollment_before_switch()),
                Some(Demand::Sso(connections)) => {
                    return Err(Refusal::sso_required(&user.email, &connections));
                }
            }
        }
        if let Some(id) = &self.misplaced_refreshes {
            session.organization_id = Some(id.clone());
        }
        let answer = self.answer_with(&session, now)?;
        self.sessions.exchange(token, session, &answer, now);
        Ok(answer)
    }

    /// Takes a sign-in as far as it goes: to a session, or to what the user has to do first.
    pub(super) fn complete(&mut self, mut sign_in: SignIn, now: u64) -> Result<Value, Refusal> {
        self.check_next_step(&sign_in, now)?;
        self.accept_invitation(&mut sign_in)?;
        let organization_id = self.organization_of(&sign_in, now)?;
        if let Some(id) = &organization_id {
            self.check_demands(id, &sign_in, now)?;
        }
        let session = self.sessions.begin(sign_in, organization_id, now);
        if let Some(user) = self.users.iter_mut().find(|user| user.id == session.sign_in.user_id) {
            user.last_sign_in_at = Some(now);
        }
        self.answer_with(&session, now)
    }

    fn check_next_step(&mut self, sign_in: &SignIn, now: u64) -> Result<(), Refusal> {
        if sign_in.has_taken_steps || sign_in.impersonator.is_some() {
            return Ok(());
        }
        let token = identifier::new_token();
        let user = self.user_by_id(&sign_in.user_id).ok_or_else(|| gone(sign_in))?;
        let refusal = match user.next_step {
            None => return Ok(()),
            Some(Step::EmailVerification) => {
                let id = identifier::new("email_verification");
                Refusal::email_verification_required(&token, user, &id)
            }
            Some(Step::MfaEnrollment) => Refusal::mfa_enrollment(&token, user),
            Some(Step::MfaChallenge) => {
                let factor = identifier::fixed("auth_factor", &user.short_name);
                Refusal::mfa_challenge(&token, user, &factor)
            }
        };
        self.wait_for(token, sign_in, now);
        Err(refusal)
    }

    /// The requested organization, or the only one. With several, the user has to choose.
    fn organization_of(&mut self, sign_in: &SignIn, now: u64) -> Result<Option<String>, Refusal> {
        if let Some(id) = &sign_in.organization_id {
            self.membership(&sign_in.user_id, id)
                .ok_or_else(Refusal::organization_membership_not_found)?;
            return Ok(Some(id.clone()));
        }
        let organizations = self.organizations_of(&sign_in.user_id);
        match organizations[..] {
            [] => Ok(None),
            [only] => Ok(Some(only.id.clone())),
            _ => {
                let token = identifier::new_token();
                let user = self.user_by_id(&sign_in.user_id).ok_or_else(|| gone(sign_in))?;
                let refusal =
                    Refusal::organization_selection_required(&token, user, &organizations);
                self.wait_for(token, sign_in, now);
                Err(refusal)
            }
        }
    }

    fn check_demands(&mut self, id: &str, sign_in: &SignIn, now: u64) -> Result<(), Refusal> {
        let organization = self.organization(id).ok_or_else(Refusal::organization_not_found)?;
        let user = self.user_by_id(&sign_in.user_id).ok_or_else(|| gone(sign_in))?;
        match demand(organization, sign_in) {
            None => Ok(()),
            Some(Demand::Sso(connections)) => Err(Refusal::sso_required(&user.email, &connections)),
            Some(Demand::Mfa) => {
                let token = identifier::new_token();
                let refusal = Refusal::mfa_enrollment(&token, user);
                self.wait_for(token, sign_in, now);
                Err(refusal)
            }
        }
    }

    fn wait_for(&mut self, token: String, sign_in: &SignIn, now: u64) {
        let pending = Pending { sign_in: sign_in.clone(), expires_at: now + PENDING_SECONDS };
        self.pending.insert(token, pending);
    }

    fn answer_with(&mut self, session: &Session, now: u64) -> Result<Value, Refusal> {
        let user = self.user_by_id(&session.sign_in.user_id);
        let user = user.ok_or_else(|| gone(&session.sign_in))?.to_json();
        let claims = self.claims(session, now);
        let mut answer = json!({
            "user": user,
            "access_token": self.signing_key.sign(&self.token_header(), &claims),
            "refresh_token": self.sessions.new_refresh_token(session),
            "authentication_method": session.sign_in.method,
        });
        if let Some(id) = claims.get("org_id") {
            answer["organization_id"] = id.clone();
        }
        if let Some(impersonator) = &session.sign_in.impersonator {
            answer["impersonator"] = impersonator.to_json();
        }
        Ok(answer)
    }

    /// The claims of a new access token of a session.
    pub(super) fn claims(&self, session: &Session, now: u64) -> Value {
        let user_id = &session.sign_in.user_id;
        let membership = session.organization_id.as_ref().map(|id| {
            let found = self.membership(user_id, id).cloned();
            found.unwrap_or_else(|| Membership::as_member(user_id, id))
        });
        let (issued, seconds) = (now - self.access_token_age, self.access_token_seconds);
        access_claims(session, membership.as_ref(), &self.issuer(), issued, seconds)
    }
}

fn demand<'a>(organization: &'a Organization, sign_in: &SignIn) -> Option<Demand<'a>> {
    if sign_in.impersonator.is_some() {
        return None;
    }
    let came_through =
        |id: &str| organization.connections.iter().any(|connection| connection.id == id);
    if organization.requires_sso && !sign_in.connection_id.as_deref().is_some_and(came_through) {
        return Some(Demand::Sso(organization.active_connections()));
    }
    (organization.requires_mfa && !sign_in.has_taken_steps).then_some(Demand::Mfa)
}

/// The error if the user has been removed since.
fn gone(sign_in: &SignIn) -> Refusal {
    Refusal::not_found("User", &sign_in.user_id)
}
