//! The recorder, LiveKit's egress service: which requests it rejects, what it redacts, and how it
//! names the file. The rules come from `pkg/config` in the service
//! (`pipeline.go`, `output.go`, `output_file.go`, `storage.go`) and from `egress/redact.go` in
//! LiveKit's protocol library, for the source and output that this project uses: a room rendered by
//! a web page, in one file.

use time::OffsetDateTime;
use url::Url;

use super::{
    messages::{
        EgressInfo, EgressSourceType, EncodedFileType, EncodingOptions, EncodingOptionsPreset,
        Output, RoomCompositeEgressRequest, S3Upload, StartEgressRequest,
    },
    plan::Plan,
    room::OpenRoom,
    twirp::{Code, Refusal},
};

/// The file extensions that the recorder knows, and replaces if the path should have another.
const ENDINGS: [&str; 9] =
    [".raw", ".ogg", ".mp3", ".ivf", ".mp4", ".ts", ".webm", ".m3u8", ".jpeg"];

/// A request to record a room, in either format.
#[derive(Clone, Debug)]
pub(super) enum Start {
    RoomComposite(RoomCompositeEgressRequest),
    Egress(StartEgressRequest),
}

/// A recorder's configuration.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Recorder {
    /// Whether it has its own key pair to assume roles with.
    pub(super) assumes_roles: bool,
}

impl Start {
    pub(super) fn room_name(&self) -> &str {
        match self {
            Self::RoomComposite(request) => &request.room_name,
            Self::Egress(request) => &request.room_name,
        }
    }

    /// The request as the recorder reports it.
    fn into_info(self) -> EgressInfo {
        let mut info = EgressInfo::default();
        match self {
            Self::RoomComposite(mut request) => {
                if let [file] = &mut request.file_outputs[..] {
                    redact(file.s3.as_mut());
                }
                redact(request.file.as_mut().and_then(|file| file.s3.as_mut()));
                info.room_composite = Some(request);
            }
            Self::Egress(mut request) => {
                redact(request.storage.as_mut().and_then(|storage| storage.s3.as_mut()));
                for output in &mut request.outputs {
                    redact(output.storage.as_mut().and_then(|storage| storage.s3.as_mut()));
                }
                info.egress = Some(request);
            }
        }
        info
    }
}

impl Recorder {
    /// The recorder's plan for the request at this time, or the error.
    pub(super) fn plan(
        self,
        start: Start,
        room: Option<&OpenRoom>,
        now: OffsetDateTime,
    ) -> Result<Plan, Refusal> {
        let source = source_of(&start)?;
        source.check()?;
        let file = file_of(&start)?;
        self.check_upload(file.upload.as_ref())?;
        if source.preset == Some(EncodingOptionsPreset::Passthrough.into()) {
            return Err(invalid("preset"));
        }
        // Without a room name the recorder cannot create a token to join.
        let room = room.ok_or_else(|| invalid("token or api key/secret"))?;
        let filename = file_name(&file, source.audio_only, room, now)?;
        let source_type =
            if source.needs_no_page() { EgressSourceType::Sdk } else { EgressSourceType::Web };
        let info = EgressInfo {
            room_id: room.id().to_owned(),
            room_name: room.name().to_owned(),
            source_type: source_type.into(),
            ..start.into_info()
        };
        Ok(Plan { info, filename, upload: file.upload })
    }

    fn check_upload(self, upload: Option<&S3Upload>) -> Result<(), Refusal> {
        let needs_key =
            upload.is_some_and(|s3| !s3.assume_role_arn.is_empty() && s3.access_key.is_empty());
        if needs_key && !self.assumes_roles {
            let problem = "S3 upload using AssumeRole is disabled for this account";
            return Err(Refusal::from_inside(Code::PermissionDenied, problem));
        }
        Ok(())
    }
}

/// The source and its encoding.
struct Source<'a> {
    layout: &'a str,
    custom_base_url: &'a str,
    audio_only: bool,
    video_only: bool,
    preset: Option<i32>,
    advanced: Option<&'a EncodingOptions>,
}

fn source_of(start: &Start) -> Result<Source<'_>, Refusal> {
    match start {
        Start::RoomComposite(request) => Ok(Source {
            layout: &request.layout,
            custom_base_url: &request.custom_base_url,
            audio_only: request.audio_only,
            video_only: request.video_only,
            preset: request.preset,
            advanced: request.advanced.as_ref(),
        }),
        Start::Egress(StartEgressRequest {
            template: Some(template), preset, advanced, ..
        }) => Ok(Source {
            layout: &template.layout,
            custom_base_url: &template.custom_base_url,
            audio_only: template.audio_only,
            video_only: template.video_only,
            preset: *preset,
            advanced: advanced.as_ref(),
        }),
        Start::Egress(request) if request.web.is_some() || request.media.is_some() => {
            Err(not_imitated("another source than a room's template"))
        }
        Start::Egress(_) => Err(invalid("source")),
    }
}

impl Source<'_> {
    fn check(&self) -> Result<(), Refusal> {
        let is_http =
            |url: &str| Url::parse(url).is_ok_and(|url| matches!(url.scheme(), "http" | "https"));
        if !self.custom_base_url.is_empty() && !is_http(self.custom_base_url) {
            return Err(invalid("template base url"));
        }
        if self.audio_only && self.video_only {
            return Err(invalid("audio_only and video_only"));
        }
        self.advanced.map_or(Ok(()), check_encoding)
    }

    /// Audio alone is mixed without a browser.
    fn needs_no_page(&self) -> bool {
        self.audio_only && self.layout.is_empty() && self.custom_base_url.is_empty()
    }
}

fn check_encoding(options: &EncodingOptions) -> Result<(), Refusal> {
    let is_bad_length = |pixels: i32| pixels > 0 && (pixels < 16 || pixels % 2 == 1);
    if is_bad_length(options.width) {
        return Err(invalid("width"));
    }
    if is_bad_length(options.height) {
        return Err(invalid("height"));
    }
    if !matches!(options.depth, 0 | 8 | 16 | 24) {
        return Err(invalid("depth"));
    }
    Ok(())
}

/// The requested file.
struct File {
    kind: EncodedFileType,
    path: String,
    upload: Option<S3Upload>,
}

fn file_of(start: &Start) -> Result<File, Refusal> {
    match start {
        Start::RoomComposite(request) => file_of_room_composite(request),
        Start::Egress(request) => file_of_egress(request),
    }
}

fn file_of_room_composite(request: &RoomCompositeEgressRequest) -> Result<File, Refusal> {
    let file = match &request.file_outputs[..] {
        [] => request.file.as_ref(),
        [file] => Some(file),
        _ => return Err(invalid("multiple file outputs")),
    };
    let has_others = !request.stream_outputs.is_empty()
        || !request.segment_outputs.is_empty()
        || !request.image_outputs.is_empty()
        || request.stream.is_some()
        || request.segments.is_some();
    if has_others {
        return Err(not_imitated("another output than a file"));
    }
    let file = file.ok_or_else(|| invalid("output"))?;
    if file.gcp.is_some() || file.azure.is_some() || file.ali_oss.is_some() {
        return Err(not_imitated("another storage than S3"));
    }
    Ok(File { kind: kind_of(file.file_type), path: file.filepath.clone(), upload: file.s3.clone() })
}

fn file_of_egress(request: &StartEgressRequest) -> Result<File, Refusal> {
    let is_other = |output: &Output| {
        output.stream.is_some() || output.segments.is_some() || output.images.is_some()
    };
    if request.outputs.iter().any(is_other) {
        return Err(not_imitated("another output than a file"));
    }
    let output = match &request.outputs[..] {
        [] => return Err(invalid("output")),
        [output] => output,
        _ => return Err(invalid("multiple file outputs")),
    };
    let file = output.file.as_ref().ok_or_else(|| invalid("output config"))?;
    let storage = output.storage.as_ref().or(request.storage.as_ref());
    if storage.is_some_and(|it| it.gcp.is_some() || it.azure.is_some() || it.ali_oss.is_some()) {
        return Err(not_imitated("another storage than S3"));
    }
    Ok(File {
        kind: kind_of(file.file_type),
        path: file.filepath.clone(),
        upload: storage.and_then(|storage| storage.s3.clone()),
    })
}

/// An invalid number counts as no particular file type.
fn kind_of(file_type: i32) -> EncodedFileType {
    EncodedFileType::try_from(file_type).unwrap_or(EncodedFileType::Default)
}

/// The file's name: the path, sanitized, then with templates substituted, then with the extension
/// of its type. Substituted values are not sanitized.
fn file_name(
    file: &File,
    audio_only: bool,
    room: &OpenRoom,
    now: OffsetDateTime,
) -> Result<String, Refusal> {
    let ending = match file.kind {
        EncodedFileType::Mp4 => ".mp4",
        EncodedFileType::Ogg | EncodedFileType::Mp3 if !audio_only => {
            let problem = "no supported codec is compatible with all outputs";
            return Err(Refusal::from_inside(Code::InvalidArgument, problem));
        }
        EncodedFileType::Mp3 => ".mp3",
        EncodedFileType::Default if !audio_only => ".mp4",
        EncodedFileType::Default | EncodedFileType::Ogg => ".ogg",
    };
    let name = fill_in(&clean(&file.path), room, now);
    if name.is_empty() || name.ends_with('/') {
        return Ok(format!("{name}{}-{}{ending}", room.name(), date_and_time(now)));
    }
    if name.ends_with(ending) {
        return Ok(name);
    }
    let stem = match name.rfind('.') {
        Some(dot) if ENDINGS.contains(&&name[dot..]) => &name[..dot],
        _ => &name,
    };
    Ok(format!("{stem}{ending}"))
}

fn fill_in(path: &str, room: &OpenRoom, now: OffsetDateTime) -> String {
    path.replace("{room_name}", room.name())
        .replace("{room_id}", room.id())
        .replace("{time}", &date_and_time(now))
        .replace("{utc}", &digits(now))
}

/// The path without `.`, without `..` that lead out of it, and without empty segments.
fn clean(path: &str) -> String {
    let ends_in_slash = path.ends_with('/');
    let mut cleaned = &shortest(path)[..];
    while let Some(rest) = cleaned.strip_prefix("../") {
        cleaned = rest;
    }
    match cleaned {
        "" | "." | ".." => String::new(),
        _ if ends_in_slash => format!("{cleaned}/"),
        _ => cleaned.to_owned(),
    }
}

/// Go's `path.Clean`.
fn shortest(path: &str) -> String {
    let is_rooted = path.starts_with('/');
    let mut parts: Vec<&str> = Vec::new();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." if parts.last().is_some_and(|last| *last != "..") => drop(parts.pop()),
            ".." if is_rooted => {}
            _ => parts.push(part),
        }
    }
    let joined = parts.join("/");
    if is_rooted { format!("/{joined}") } else { joined }
}

/// `2026-11-21T144539`
fn date_and_time(now: OffsetDateTime) -> String {
    let (year, month, day) = now.to_calendar_date();
    let (hour, minute, second) = now.to_hms();
    format!("{year:04}-{:02}-{day:02}T{hour:02}{minute:02}{second:02}", u8::from(month))
}

/// `20261121144539123`
fn digits(now: OffsetDateTime) -> String {
    let digits: String = date_and_time(now).chars().filter(char::is_ascii_digit).collect();
    format!("{digits}{:03}", now.millisecond())
}

fn redact(upload: Option<&mut S3Upload>) {
    let Some(upload) = upload else { return };
    for (secret, instead) in [
        (&mut upload.access_key, "{access_key}"),
        (&mut upload.secret, "{secret}"),
        (&mut upload.assume_role_external_id, "{external_id}"),
        (&mut upload.session_token, "{session_token}"),
    ] {
        if !secret.is_empty() {
            instead.clone_into(secret);
        }
    }
}

fn invalid(field: &str) -> Refusal {
    let problem = format!("request has missing or invalid field: {field}");
    Refusal::from_inside(Code::InvalidArgument, &problem)
}

fn not_imitated(what: &str) -> Refusal {
    Refusal::new(Code::Unimplemented, format!("the stand-in does not imitate {what}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn now() -> OffsetDateTime {
        OffsetDateTime::from_unix_timestamp(1_583_348_638).expect("a time")
    }

    fn name_of(path: &str, room: &str) -> String {
        let file = File { kind: EncodedFileType::Mp4, path: path.to_owned(), upload: None };
        file_name(&file, false, &OpenRoom::new(room, 0), now()).expect("a name")
    }

    #[test]
    fn cleans_a_path_before_it_fills_in_the_templates() {
        for (path, name) in [
            ("recordings/a/b.mp4", "recordings/a/b.mp4"),
            ("recordings//./a/../b.mp4", "recordings/b.mp4"),
            ("../../etc/b", "etc/b.mp4"),
            ("/../b.mp4", "/b.mp4"),
            ("a/{room_name}/{time}-{utc}.mp4", "a/../x/2020-03-04T190358-20200304190358000.mp4"),
        ] {
            assert_eq!(name_of(path, "../x"), name, "{path}");
        }
    }

    #[test]
    fn makes_a_name_where_there_is_none() {
        for path in ["", ".", "..", "a/.."] {
            assert_eq!(name_of(path, "daily"), "daily-2020-03-04T190358.mp4", "{path}");
        }
        assert_eq!(name_of("a/", "daily"), "a/daily-2020-03-04T190358.mp4");
    }

    #[test]
    fn gives_the_file_the_ending_of_its_type() {
        for (path, name) in [("a", "a.mp4"), ("a.ogg", "a.mp4"), ("a.txt", "a.txt.mp4")] {
            assert_eq!(name_of(path, "daily"), name);
        }
    }
}
