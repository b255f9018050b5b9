//! `livekit.Egress`: starts, lists and stops recordings, and advances them.

use std::time::Duration;

use serde_json::json;
use time::OffsetDateTime;

use super::{
    access::Grants,
    egress::{Egress, no_such_egress, not_connected},
    messages::{
        EgressInfo, ListEgressRequest, ListEgressResponse, StopEgressRequest, TokenPagination,
    },
    recorder::Start,
    room::no_such_room,
    state::{Absence, STOP_PATIENCE, State},
    twirp::Refusal,
};
use crate::{clock, exchange::Answer};

impl State {
    pub(super) fn start_egress(
        &mut self,
        start: Start,
        grants: &Grants,
    ) -> Result<EgressInfo, Refusal> {
        grants.ensure_record()?;
        self.begin_egress(start)
    }

    /// Starts an egress. The caller's grants have been checked.
    pub(super) fn begin_egress(&mut self, start: Start) -> Result<EgressInfo, Refusal> {
        let name = start.room_name();
        let room = self.rooms.iter().find(|room| room.name() == name);
        if room.is_none() && !name.is_empty() {
            return Err(no_such_room());
        }
        if let Some(absence) = self.absence {
            return Err(absence.refusal());
        }
        let plan = self.recorder.plan(start, room, OffsetDateTime::from(clock::now()))?;
        let mut egress = Egress::start(plan, self.page_load, clock::unix_nanoseconds());
        if self.start_times_are_late {
            egress.forget_start_time();
        }
        let info = egress.info();
        self.egresses.push(egress);
        Ok(info)
    }

    pub(super) fn list_egress(
        &mut self,
        request: &ListEgressRequest,
        grants: &Grants,
    ) -> Result<ListEgressResponse, Refusal> {
        grants.ensure_record()?;
        if let Some(Absence::Unconnected(_)) = self.absence {
            return Err(not_connected());
        }
        self.go_on();
        let is_wanted = |egress: &&Egress| {
            (request.room_name.is_empty() || egress.room_name() == request.room_name)
                && (!request.active || egress.is_active())
        };
        if !request.egress_id.is_empty() {
            let items = vec![self.egress(&request.egress_id).ok_or_else(no_such_egress)?.info()];
            return Ok(ListEgressResponse { items, next_page_token: None });
        }
        let wanted: Vec<_> = self.egresses.iter().filter(is_wanted).map(Egress::info).collect();
        let token = request.page_token.as_ref().map_or("", |page| &page.token);
        let start: usize = token.parse().unwrap_or_default();
        let end = self.page_size.map_or(wanted.len(), |size| wanted.len().min(start + size));
        let is_last = end == wanted.len();
        let next_page_token = (!is_last).then(|| TokenPagination { token: end.to_string() });
        let items = wanted.get(start..end).unwrap_or_default().to_vec();
        Ok(ListEgressResponse { items, next_page_token })
    }

    pub(super) fn stop_egress(
        &mut self,
        request: &StopEgressRequest,
        grants: &Grants,
    ) -> Result<EgressInfo, Refusal> {
        grants.ensure_record()?;
        self.go_on();
        let (absence, patience) = (self.absence, self.stop_patience);
        if let Some(Absence::Unconnected(_)) = absence {
            return Err(not_connected().after(patience));
        }
        let is_refused = self.stops_to_refuse > 0;
        self.stops_to_refuse = self.stops_to_refuse.saturating_sub(1);
        let unknown = || no_such_egress().after(patience);
        let egress = self.egress(&request.egress_id).ok_or_else(unknown)?;
        if is_refused {
            return Err(egress.cannot_be_stopped());
        }
        if let Some(Absence::Gone(after)) = absence {
            return Err(egress.refuse_stop().after(after.min(STOP_PATIENCE)));
        }
        let now = clock::unix_nanoseconds();
        egress.stop(now).map_err(|refusal| refusal.after(patience))?;
        if egress.until_it_obeys(now) > STOP_PATIENCE {
            return Err(egress.refuse_stop().after(STOP_PATIENCE));
        }
        Ok(egress.info())
    }

    /// How long until all stopped egresses that are still loading handle the stop.
    pub(super) fn until_stops_are_obeyed(&self) -> Duration {
        let waits =
            self.egresses.iter().map(|egress| egress.until_it_obeys(clock::unix_nanoseconds()));
        waits.max().unwrap_or_default()
    }

    /// Advances the egresses that have recorders.
    pub(super) fn go_on(&mut self) {
        if matches!(self.absence, Some(Absence::Gone(_))) {
            return;
        }
        let (holds, now) = (self.holds, clock::unix_nanoseconds());
        let upload_target = self.upload_target.as_ref();
        self.egresses.iter_mut().for_each(|egress| egress.go_on(holds, upload_target, now));
    }

    pub(super) fn egress(&mut self, id: &str) -> Option<&mut Egress> {
        self.egresses.iter_mut().find(|egress| egress.id() == id)
    }

    pub(super) fn known_egress(&mut self, id: &str) -> &mut Egress {
        self.egress(id).unwrap_or_else(|| panic!("there is no egress {id:?}"))
    }

    pub(super) fn dev_egresses(&self) -> Answer {
        Answer::json(200, &self.egresses.iter().map(|egress| json!(egress.info())).collect())
    }
}
