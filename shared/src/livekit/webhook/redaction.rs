//! Removes credentials from an event, because a bus has many readers. LiveKit puts a room's
//! `turnPassword` into every event about the room, and passes on what a recorder reports.

use serde_json::{Map, Value};
use url::Url;

/// A field is removed if its name contains one of these words, in any case and with any separators.
const CREDENTIALS: [&str; 8] = [
    "password",
    "secret",
    "token",
    "credential",
    "accesskey",
    "accountkey",
    "streamkey",
    "externalid",
];

/// Fields with URLs, which may contain a stream key, a password or a token.
const ADDRESSES: [&str; 3] = ["url", "urls", "websocketurl"];

/// Fields with texts that LiveKit and its recorder write, and no caller.
const MESSAGES: [&str; 2] = ["error", "details"];

/// The schemes of live streams, whose URLs contain a key.
const STREAMS: [&str; 5] = ["rtmp", "rtmps", "srt", "mux", "twitch"];

/// The schemes of streams over WebSocket, whose URLs contain a token. A caller's texts may name servers
/// with these schemes, so only messages lose them.
const SOCKETS: [&str; 2] = ["ws", "wss"];

/// What LiveKit's recorder writes before an output's URL that it does not accept. A colon follows the
/// URL, and then the reason, which may quote the URL.
const REJECTED: &str = "invalid url ";

/// The schemes whose host is a server. LiveKit's recorder also takes `mux://<key>` and
/// `twitch://<key>`, whose host is a stream key.
/// <https://docs.livekit.io/home/egress/outputs/#supported-outputs>
const WITH_HOST: [&str; 9] =
    ["http", "https", "ws", "wss", "rtmp", "rtmps", "rtsp", "rtsps", "srt"];

/// Removes every field with a credential, at any depth, and cuts URLs to scheme and host.
pub(super) fn redact(event: &mut Map<String, Value>) {
    event.retain(|name, value| {
        let name = plain(name);
        if name == "proxy" || CREDENTIALS.iter().any(|word| name.contains(word)) {
            return false;
        }
        if ADDRESSES.contains(&name.as_str()) {
            return cut(value);
        }
        let clean = if MESSAGES.contains(&name.as_str()) { clean_message } else { clean_text };
        redact_value(value, clean);
        true
    });
}

/// Redacts a value, in which texts are cleaned like this.
fn redact_value(value: &mut Value, clean: fn(&str) -> String) {
    match value {
        Value::Object(fields) => redact(fields),
        Value::Array(items) => items.iter_mut().for_each(|item| redact_value(item, clean)),
        Value::String(text) => *text = clean(text),
        _ => {}
    }
}

/// `accessKey`, `access_key` and `ACCESS-KEY` are the same name.
fn plain(name: &str) -> String {
    name.chars().filter(char::is_ascii_alphanumeric).collect::<String>().to_ascii_lowercase()
}

/// Cuts a URL, or each one in a list. Returns whether anything is left.
fn cut(value: &mut Value) -> bool {
    match value {
        Value::String(text) if text.is_empty() => true,
        Value::String(text) => match scheme_and_host(text) {
            Some(address) => {
                *text = address;
                true
            }
            None => false,
        },
        Value::Array(items) => {
            items.retain_mut(cut);
            true
        }
        other => {
            redact_value(other, clean_text);
            true
        }
    }
}

/// Cuts the URLs of live streams. One inside a text ends at white space.
fn clean_text(text: &str) -> String {
    without_urls(text, is_stream)
}

/// Cuts the URLs of all streams, and those that the recorder rejected.
fn clean_message(text: &str) -> String {
    let is_cut = |scheme: &str| is_stream(scheme) || is_one_of(&SOCKETS, scheme);
    match text.split_once(REJECTED) {
        Some((before, after)) if !begins_with_url(text, is_stream) => {
            without_urls(before, is_cut) + REJECTED + &without_rejected_url(after)
        }
        _ => without_urls(text, is_cut),
    }
}

/// Cuts a rejected URL, which may have any scheme or none, and everything from where the reason quotes
/// it. If the URL contains white space, nobody can tell where it ends, so only its beginning is left.
fn without_rejected_url(text: &str) -> String {
    let end = text.find(char::is_whitespace).unwrap_or(text.len());
    let (url, reason) = text.split_at(end);
    let Some(url) = url.strip_suffix(':') else {
        return scheme_and_host(url).unwrap_or_default();
    };
    let reason = reason.split(['"', '\'']).next().unwrap_or_default();
    scheme_and_host(url).unwrap_or_default() + &without_urls(reason, |_| true)
}

/// Cuts every URL with one of these schemes. After one at the beginning, nothing is left, because it
/// may contain white space.
fn without_urls(text: &str, is_cut: impl Fn(&str) -> bool + Copy) -> String {
    if begins_with_url(text, is_cut) {
        return scheme_and_host(text).unwrap_or_default();
    }
    text.split_inclusive(char::is_whitespace).map(|word| without_url(word, is_cut)).collect()
}

fn begins_with_url(text: &str, is_cut: impl Fn(&str) -> bool) -> bool {
    start_of_url(text, is_cut).is_some_and(|start| text[..start].trim().is_empty())
}

/// Cuts the URL in a word, which may end in white space.
fn without_url(word: &str, is_cut: impl Fn(&str) -> bool) -> String {
    let Some(start) = start_of_url(word, is_cut) else {
        return word.to_owned();
    };
    let end = word.trim_end().len();
    let (before, url, space) = (&word[..start], &word[start..end], &word[end..]);
    before.to_owned() + &scheme_and_host(url).unwrap_or_default() + space
}

/// Where the first URL with one of these schemes starts.
fn start_of_url(text: &str, is_cut: impl Fn(&str) -> bool) -> Option<usize> {
    let mut schemes = text.match_indices("://").map(|(end, _)| {
        let before = &text[..end];
        before.trim_end_matches(|letter: char| letter.is_ascii_alphanumeric()).len()..end
    });
    schemes.find(|scheme| is_cut(&text[scheme.clone()])).map(|scheme| scheme.start)
}

fn is_stream(scheme: &str) -> bool {
    is_one_of(&STREAMS, scheme)
}

fn is_one_of(schemes: &[&str], scheme: &str) -> bool {
    schemes.iter().any(|known| known.eq_ignore_ascii_case(scheme))
}

/// The scheme and the host of a URL with `://`. Without it, what precedes a colon may be a key.
fn scheme_and_host(text: &str) -> Option<String> {
    let url = Url::parse(text).ok().filter(|_| text.contains("://"))?;
    let scheme = url.scheme();
    match url.host_str() {
        Some(host) if WITH_HOST.contains(&scheme) => Some(format!("{scheme}://{host}")),
        _ => Some(format!("{scheme}://")),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn redacted(value: Value) -> Value {
        let Value::Object(mut fields) = value else { panic!("no object") };
        redact(&mut fields);
        Value::Object(fields)
    }

    #[test]
    fn a_field_with_a_credential_is_left_out_in_any_spelling() {
        for name in [
            "turnPassword",
            "turn_password",
            "password",
            "PASSWORD",
            "secret",
            "apiSecret",
            "clientSecretValue",
            "sessionToken",
            "session_token",
            "token",
            "tokens",
            "credentials",
            "credentialsJson",
            "credentials_json",
            "accessKey",
            "access_key",
            "ACCESS-KEY",
            "accessKeyId",
            "accountKey",
            "account_key",
            "streamKey",
            "stream_key",
            "assumeRoleExternalId",
            "assume_role_external_id",
            "proxy",
            "Proxy",
        ] {
            for value in [json!("hidden"), json!({ "a": "hidden" }), json!(["hidden"]), json!(7)] {
                // Deep in objects and in lists.
                let mut deep = json!({ name: value, "kept": 1 });
                let mut expected = json!({ "kept": 1 });
                for level in 0..40 {
                    let wrap = |inner: Value| match level % 2 {
                        0 => json!({ "egressInfo": inner }),
                        _ => json!({ "items": [1, [inner]] }),
                    };
                    (deep, expected) = (wrap(deep), wrap(expected));
                }
                assert_eq!(redacted(deep), expected, "{name}");
            }
        }
    }

    #[test]
    fn other_fields_stay_as_they_are() {
        let event = json!({
            "event": "egress_ended", "id": "EV_1", "createdAt": "1767323045",
            "room": { "sid": "RM_1", "name": "daily", "metadata": "{\"token\":1}", "numParticipants": 2 },
            "participant": { "identity": "user_1:0123", "attributes": { "hand": "up" } },
            "egressInfo": { "roomComposite": { "fileOutputs": [{
                "filepath": "recordings/1/daily/x.mp4",
                "s3": { "bucket": "b", "region": "r", "assumeRoleArn": "arn:aws:iam::1:role/r",
                        "metadata": { "room": "daily" } },
            }], "customBaseUrl": "https://layout.example/a?b=c" },
            "fileResults": [{ "location": "https://b.s3.amazonaws.com/recordings/x.mp4" }] },
            "odd": [null, true, 1.5, "", "not://a stream"],
        });
        assert_eq!(redacted(event.clone()), event);
    }

    #[test]
    fn of_a_streams_address_only_scheme_and_host_are_left() {
        for (address, left) in [
            ("rtmp://live.example.com/app/stream-key", "rtmp://live.example.com"),
            ("rtmps://user:pass@live.example.com:443/app/key?a=b#c", "rtmps://live.example.com"),
            ("RTMP://live.example.com/{abc...xyz}", "rtmp://live.example.com"),
            ("srt://live.example.com:7001?streamid=key&passphrase=p", "srt://live.example.com"),
            ("wss://live.example.com/?token=key", "wss://live.example.com"),
            ("https://user:pass@page.example/room?key=1", "https://page.example"),
            ("rtmp://[2001:db8::1]:1935/app/key", "rtmp://[2001:db8::1]"),
            // Here, the key is where a host would be.
            ("mux://stream-key", "mux://"),
            ("twitch://stream-key", "twitch://"),
            ("of-next-year://stream-key", "of-next-year://"),
        ] {
            let event = json!({
                "url": address, "urls": [address, address], "websocket_url": address,
                "websocketUrl": address, "streamResults": [{ "url": address }],
            });
            let expected = json!({
                "url": left, "urls": [left, left], "websocket_url": left,
                "websocketUrl": left, "streamResults": [{ "url": left }],
            });
            assert_eq!(redacted(event), expected, "{address}");
            assert!(!left.contains("key"), "{left}");
        }
    }

    #[test]
    fn an_address_that_cannot_be_read_is_left_out() {
        for odd in [
            "stream-key",
            "stream-key:",
            "data:stream-key",
            "//live.example.com/key",
            "rtmp://live example/key",
            "http://",
        ] {
            let event = json!({ "url": odd, "urls": [odd, "srt://a.example?streamid=key"] });
            assert_eq!(redacted(event), json!({ "urls": ["srt://a.example"] }), "{odd}");
        }
        let empty = json!({ "url": "", "urls": [], "websocketUrl": null });
        assert_eq!(redacted(empty.clone()), empty);
        let odd = json!({ "url": { "streamKey": "key", "urls": [["rtmp://a.example/key"]] } });
        assert_eq!(redacted(odd), json!({ "url": { "urls": [["rtmp://a.example"]] } }));
    }

    #[test]
    fn a_streams_address_is_cut_under_any_name_and_in_a_list() {
        let event = json!({
            "destination": "rtmps://live.example.com/app/key",
            "outputs": ["twitch://key", ["SRT://live.example.com?streamid=key"]],
        });
        let expected = json!({
            "destination": "rtmps://live.example.com",
            "outputs": ["twitch://", ["srt://live.example.com"]],
        });
        assert_eq!(redacted(event), expected);
    }

    #[test]
    fn a_callers_text_keeps_what_only_a_message_loses() {
        for text in ["invalid url handling", r#"{"server":"wss://a.example/b","theme":"dark"}"#] {
            let event = json!({ "room": { "name": text, "metadata": text } });
            assert_eq!(redacted(event.clone()), event);
        }
    }

    #[test]
    fn a_streams_address_inside_a_text_is_cut() {
        for (text, left) in [
            (
                "invalid url rtmp://live.example.com/KEY: rtmp urls must have a key",
                "invalid url rtmp://live.example.com rtmp urls must have a key",
            ),
            ("push (\"RTMPS://a.example/KEY\")\nfailed", "push (\"rtmps://a.example\nfailed"),
            ("url=srt://a.example?streamid=KEY", "url=srt://a.example"),
            ("mux://KEY and twitch://KEY failed", ""),
            ("first mux://KEY,\u{a0}then twitch://KEY", "first mux://\u{a0}then twitch://"),
            ("to rtmp://user:KEY@[::1]:1935/KEY?KEY#KEY ended", "to rtmp://[::1] ended"),
            ("to rtmp://<KEY> ended", "to  ended"),
            ("push to wss://a.example/?token=KEY failed", "push to wss://a.example failed"),
            // The recorder rejected it, so its scheme may be any.
            (
                "invalid url https://a.example/app/KEY: invalid scheme",
                "invalid url https://a.example invalid scheme",
            ),
            (
                "invalid url http://a.example/%zz?KEY: parse \"http://a.example/%zz?KEY\": no",
                "invalid url http://a.example parse ",
            ),
            (
                "invalid url rtmp://a.example /app/KEY: parse \"rtmp://a.example /app/KEY\": no",
                "invalid url rtmp://a.example",
            ),
            ("invalid url a.example/app/KEY: no scheme", "invalid url  no scheme"),
            ("invalid url KEY-KEY: invalid scheme", "invalid url  invalid scheme"),
            (
                "invalid url a.example:1935/KEY: parse \"a.example:1935/KEY\": no",
                "invalid url  parse ",
            ),
            ("rtmp://a.example/KEY KEY invalid url KEY", "rtmp://a.example"),
            ("to mux://KEY, invalid url KEY", "to mux:// invalid url "),
            (" rtmp://a.example/KEY KEY", "rtmp://a.example"),
            // Not a stream's: the address of a file, or another scheme.
            ("see https://a.example/b?c=d#e now", "see https://a.example/b?c=d#e now"),
            ("xrtmp://a.example/b", "xrtmp://a.example/b"),
            ("\u{e9}://a, \u{1f600}://b, srt:/", "\u{e9}://a, \u{1f600}://b, srt:/"),
        ] {
            let event = json!({ "egressInfo": { "error": text, "details": [text] } });
            let expected = json!({ "egressInfo": { "error": left, "details": [left] } });
            assert_eq!(redacted(event), expected, "{text}");
        }
    }
}
