//! The origin of a recording: the `recording` that `livekit-webhook` adds to an event.

use percent_encoding::percent_decode_str;
use serde::Serialize;

use crate::livekit::object_metadata::{CUT, ORGANIZATION};
use crate::livekit::recording::object_key::{FOLDER, is_own_part, part};
use crate::livekit::server_api::EgressInfo;

/// Where a recording of ours came from. A part that is not known for certain is left out. It may be
/// personal, so it has no `Debug`.
#[derive(Serialize)]
pub(in crate::livekit) struct Origin {
    /// The organization that it was started in.
    #[serde(skip_serializing_if = "Option::is_none")]
    organization: Option<String>,
    /// The room, as its caller named it.
    #[serde(skip_serializing_if = "Option::is_none")]
    room: Option<String>,
    /// The zone, as its caller named it.
    #[serde(skip_serializing_if = "Option::is_none")]
    zone: Option<String>,
    /// The key of its object.
    key: String,
}

/// The parts of a key in our format.
struct KeyParts<'a> {
    zone: &'a str,
    room: &'a str,
}

impl Origin {
    /// The origin of an egress, if it is a recording of ours.
    ///
    /// The names are in the metadata of its object, where long ones are truncated and a room has
    /// LiveKit's name. The key shows which name is the caller's: it has a digest of the whole name and
    /// the organization. A name that does not match it is left out.
    pub(in crate::livekit) fn of(egress: &EgressInfo) -> Option<Self> {
        let key = egress.object_key()?;
        let parts = KeyParts::of(key)?;
        let value = |name| egress.own_metadata(name);
        let organization = value(ORGANIZATION).filter(|text| !text.ends_with(CUT)).map(decode);
        let zone = value("zone").map(decode).filter(|zone| part(zone) == parts.zone);
        let room = value("room").map(decode);
        let room = room.and_then(|room| parts.room_of(&room, organization.as_deref()));
        Some(Self { organization, room, zone, key: key.to_owned() })
    }
}

impl<'a> KeyParts<'a> {
    /// `recordings/<zone>/<room>/<date>/<time>-<random>.mp4`
    fn of(key: &'a str) -> Option<Self> {
        let parts: Vec<&str> = key.splitn(4, '/').collect();
        let [FOLDER, zone, room, own_part] = parts[..] else { return None };
        let is_ours = !zone.is_empty() && !room.is_empty() && is_own_part(own_part);
        is_ours.then_some(Self { zone, room })
    }

    /// The caller's name for the room that LiveKit calls `name`.
    fn room_of(&self, name: &str, organization: Option<&str>) -> Option<String> {
        let prefix = format!("{}:", organization.unwrap_or_default());
        // With `ROOM_NAMESPACE=none`, LiveKit uses the caller's name.
        if part(&format!("{prefix}{name}")) == self.room {
            return Some(name.to_owned());
        }
        // With `ROOM_NAMESPACE=organization`, LiveKit's name begins with the organization. The key
        // of an earlier version is derived from LiveKit's name alone, in either namespace.
        let own = organization.and_then(|_| name.strip_prefix(&prefix));
        (part(name) == self.room).then(|| own.unwrap_or(name).to_owned())
    }
}

fn decode(value: &str) -> String {
    percent_decode_str(value).decode_utf8_lossy().into_owned()
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::livekit::object_metadata::{ObjectMetadata, STARTED_BY};

    const NAME: &str = "2026-01-02/030405-0123456789abcdef.mp4";

    /// The origin of an egress with this key, and these values in its metadata, encoded as we do.
    fn origin(key: &str, metadata: &[(&'static str, &str)]) -> Option<Value> {
        let mut values = ObjectMetadata::new();
        values.add(STARTED_BY, "user_1");
        for (name, value) in metadata {
            values.add(name, value);
        }
        of_values(key, &json!(values.into_values()))
    }

    fn of_values(key: &str, values: &Value) -> Option<Value> {
        let egress = json!({ "egressId": "EG_1", "roomComposite": { "fileOutputs": [
            { "filepath": key, "s3": { "bucket": "b", "metadata": values } },
        ] } });
        let egress = serde_json::from_value(egress).expect("an egress");
        Origin::of(&egress).map(|origin| json!(origin))
    }

    fn key(zone: &str, owned_name: &str) -> String {
        format!("recordings/{}/{}/{NAME}", part(zone), part(owned_name))
    }

    #[test]
    fn room_and_zone_are_those_that_the_caller_named() {
        for (owned, organization, livekits_name, room) in [
            (":daily", None, "daily", "daily"),
            ("org_1:daily", Some("org_1"), "daily", "daily"),
            ("org_1:daily", Some("org_1"), "org_1:daily", "daily"),
            // A name that looks like another organization's, or like our own prefix.
            (":org_1:daily", None, "org_1:daily", "org_1:daily"),
            ("org_1:org_1:daily", Some("org_1"), "org_1:daily", "org_1:daily"),
            ("org_1:org_1:daily", Some("org_1"), "org_1:org_1:daily", "org_1:daily"),
            ("org_1:org_2:daily", Some("org_1"), "org_2:daily", "org_2:daily"),
            (":👩‍👩‍👧 100 %2F / \"x\"", None, "👩‍👩‍👧 100 %2F / \"x\"", "👩‍👩‍👧 100 %2F / \"x\""),
            (":to be continued…", None, "to be continued…", "to be continued…"),
        ] {
            let mut metadata = vec![("room", livekits_name), ("zone", "Nörd / 1")];
            metadata.extend(organization.map(|organization| (ORGANIZATION, organization)));
            let key = key("Nörd / 1", owned);
            let mut expected = json!({ "room": room, "zone": "Nörd / 1", "key": key });
            if let Some(organization) = organization {
                expected[ORGANIZATION] = json!(organization);
            }
            assert_eq!(origin(&key, &metadata), Some(expected), "{owned}");
        }
    }

    #[test]
    fn a_recording_in_the_folder_of_earlier_versions_has_its_room_too() {
        for (folder, livekits_name, room) in
            [("daily", "daily", "daily"), ("org_1:daily", "org_1:daily", "daily")]
        {
            let metadata = [("room", livekits_name), (ORGANIZATION, "org_1")];
            let found = origin(&key("1", folder), &metadata).expect("ours");
            assert_eq!(found["room"], room);
        }
    }

    #[test]
    fn a_name_that_is_not_whole_or_not_the_keys_is_left_out() {
        let key = key("1", &format!(":{}", "é".repeat(128)));
        let found = origin(&key, &[("room", "é…"), ("zone", "11"), (ORGANIZATION, "org_1…")]);
        assert_eq!(found, Some(json!({ "key": key })));
        let foreign = origin(&key, &[("room", "daily"), ("zone", "1"), (ORGANIZATION, "org_1")]);
        assert_eq!(foreign, Some(json!({ "key": key, "zone": "1", "organization": "org_1" })));
        // Without our mark, the metadata is not ours.
        let unmarked = of_values(&key, &json!({ "zone": "1", "room": "é" }));
        assert_eq!(unmarked, Some(json!({ "key": key })));
        let odd = of_values(&key, &json!({ "started-by": 7, "zone": ["1"], "room": null }));
        assert_eq!(odd, Some(json!({ "key": key })));
    }

    #[test]
    fn what_has_another_key_is_not_a_recording_of_ours() {
        for key in [
            "",
            "a.mp4",
            "recordings/a.mp4",
            "recordings/1/daily/2026-01-02/030405-0123456789abcdef.mp3",
            "recordings/1/daily/2026-01-02/030405-0123456789ABCDEF.mp4",
            "recordings/1/daily/2026-01-02/030405-0123456789abcde.mp4",
            "recordings/1/daily/2026-1-02/030405-0123456789abcdef.mp4",
            "recordings/1//2026-01-02/030405-0123456789abcdef.mp4",
            "recordings/1/a/b/2026-01-02/030405-0123456789abcdef.mp4",
            "other/1/daily/2026-01-02/030405-0123456789abcdef.mp4",
        ] {
            assert!(origin(key, &[("room", "daily"), ("zone", "1")]).is_none(), "{key}");
        }
    }
}
