//! Older recordings in the stand-in's bucket, so that a list has more than one page.

use anteroom_stand_ins::{livekit::RECORDED_FILE, s3::S3};
use time::{Duration, OffsetDateTime};

/// The most recordings that are added at once.
const MOST: u16 = 200;

/// How far apart they are.
const APART: Duration = Duration::hours(7);

/// How long each took.
const LENGTH: Duration = Duration::minutes(25);

/// Adds `count` recordings from the time before `now` to the folder that this recording is in.
pub(super) fn add_older(
    bucket: &S3,
    key: &str,
    count: u16,
    now: OffsetDateTime,
) -> Result<(), String> {
    let folder = folder_of(key).ok_or("this is not the key of a recording")?;
    if count > MOST {
        return Err(format!("{MOST} are enough"));
    }
    let mut start = now;
    for number in 0..count {
        start -= APART;
        let end = u64::try_from((start + LENGTH).unix_timestamp()).unwrap_or_default();
        bucket.put_at(&format!("{folder}/{}", own_part(start, number)), RECORDED_FILE, end);
    }
    Ok(())
}

/// The part of a key in front of `<date>/<time>-<random>.mp4`.
fn folder_of(key: &str) -> Option<&str> {
    let parts: Vec<_> = key.split('/').collect();
    let [first, zone, room, date, name] = parts[..] else { return None };
    let is_ours = first == "recordings" && ![zone, room].contains(&"");
    (is_ours && name.strip_suffix(".mp4").is_some())
        .then(|| &key[..key.len() - date.len() - name.len() - 2])
}

/// `<date>/<time>-<random>.mp4`
fn own_part(start: OffsetDateTime, number: u16) -> String {
    let (year, month, day) = start.to_calendar_date();
    let (hour, minute, second) = start.to_hms();
    let month = u8::from(month);
    format!("{year:04}-{month:02}-{day:02}/{hour:02}{minute:02}{second:02}-{number:016x}.mp4")
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &str = "recordings/eu/org_1_room-0123/2026-11-21/144447-0123456789abcdef.mp4";

    #[tokio::test]
    async fn adds_recordings_of_the_days_before() {
        let bucket = S3::start().await.expect("it starts");
        let now = OffsetDateTime::from_unix_timestamp(1_800_000_000).expect("a time");
        add_older(&bucket, KEY, 3, now).expect("they are added");
        let expected = [
            "2027-01-14/110000-0000000000000002.mp4",
            "2027-01-14/180000-0000000000000001.mp4",
            "2027-01-15/010000-0000000000000000.mp4",
        ];
        let expected = expected.map(|own| format!("recordings/eu/org_1_room-0123/{own}"));
        assert_eq!(bucket.keys(), expected);
        assert!(add_older(&bucket, KEY, MOST + 1, now).is_err());
    }

    #[test]
    fn knows_the_folder_of_a_recording() {
        assert_eq!(folder_of(KEY), Some("recordings/eu/org_1_room-0123"));
        for key in [
            "",
            "recordings/eu/room/2026-11-21/144447-0123456789abcdef.txt",
            "others/eu/room/2026-11-21/144447-0123456789abcdef.mp4",
            "recordings//room/2026-11-21/144447-0123456789abcdef.mp4",
            "recordings/room/2026-11-21/144447-0123456789abcdef.mp4",
        ] {
            assert_eq!(folder_of(key), None, "{key}");
        }
    }
}
